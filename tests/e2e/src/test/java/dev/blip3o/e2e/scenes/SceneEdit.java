package dev.blip3o.e2e.scenes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blip3o.training.scenes.SceneBackground;
import dev.blip3o.training.scenes.SceneColor;
import dev.blip3o.training.scenes.SceneShape;
import dev.blip3o.training.scenes.Thing;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * An edit of the demo's list.
 *
 * @param text the instruction
 * @param picture the file to edit, beside the list
 * @param before what the picture shows, where nothing need be kept
 * @param wanted what the edited picture must show
 */
public record SceneEdit(String text, String picture, WantedScene before, WantedScene wanted) {
  /** Sorts of edits. */
  public enum Kind {
    BACKGROUND,
    COLOR,
    REPLACE,
    ADD,
    REMOVE
  }

  /** Reads a list of edits, {@code edits.json}. */
  public static List<SceneEdit> readAll(Path file) throws IOException {
    List<SceneEdit> edits = new ArrayList<>();
    for (JsonNode edit : new JsonMapper().readTree(file.toFile())) {
      edits.add(
          new SceneEdit(
              edit.required("text").asText(),
              edit.required("picture").asText(),
              scene(edit.required("before")),
              scene(edit.required("wanted"))));
    }
    return edits;
  }

  /** The sort of edit that the instruction asks for. */
  public Kind kind() {
    if (text.contains("background")) {
      return Kind.BACKGROUND;
    }
    return switch (text.split(" ")[0]) {
      case "make", "change" -> Kind.COLOR;
      case "replace" -> Kind.REPLACE;
      case "add" -> Kind.ADD;
      case "remove" -> Kind.REMOVE;
      default -> throw new IllegalArgumentException("none of the demo's instructions: " + text);
    };
  }

  private static WantedScene scene(JsonNode scene) {
    List<WantedScene.Wanted> objects = new ArrayList<>();
    for (JsonNode object : scene.required("objects")) {
      objects.add(
          new WantedScene.Wanted(
              new Thing(
                  SceneShape.valueOf(upper(object.required("shape"))),
                  SceneColor.valueOf(upper(object.required("color")))),
              object.required("x").doubleValue(),
              object.required("y").doubleValue(),
              object.path("kept").asBoolean()));
    }
    return new WantedScene(SceneBackground.valueOf(upper(scene.required("background"))), objects);
  }

  private static String upper(JsonNode word) {
    return word.asText().toUpperCase(Locale.ROOT);
  }
}
