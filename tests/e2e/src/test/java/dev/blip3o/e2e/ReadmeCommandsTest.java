package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.InputImage;
import dev.blip3o.PictureSettings;
import dev.blip3o.support.Repository;
import dev.blip3o.training.scenes.Caption;
import dev.blip3o.training.scenes.SceneReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The README's commands, run one after the other as they stand there.
 *
 * <p>The only change is that relative paths are made absolute: those of the repository, and those
 * of pictures, which lie in a folder of the test.
 */
class ReadmeCommandsTest {
  private static final Pattern COMMAND =
      Pattern.compile("^    \\./blip3o (.*)$", Pattern.MULTILINE);
  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");

  private static final Path SHOWN = Repository.root().resolve("docs/images");

  /** Of 255: the sums of another processor round otherwise. */
  private static final double TOLERANCE = 2;

  @TempDir Path folder;

  @Test
  void eachCommandWorks() throws IOException {
    Set<String> used = new HashSet<>();
    for (String line : commands()) {
      List<String> words = words(line);
      Command command = Command.run(words.toArray(String[]::new));
      assertEquals(0, command.code(), line + "\n" + command.err());
      used.add(words.get(0));
    }
    assertEquals(Set.of("generate", "edit", "inspect", "bench"), used);
    assertTrue(
        Files.mismatch(folder.resolve("picture.png"), folder.resolve("edited.png")) >= 0,
        "the edit changed something");
    for (String name : List.of("picture.png", "edited.png")) {
      double difference = difference(folder.resolve(name), SHOWN.resolve(name));
      assertTrue(difference < TOLERANCE, name + " differs by " + difference + " on average");
    }
  }

  /** The mean difference of the samples, in steps of 8 bits. */
  private static double difference(Path a, Path b) {
    InputImage first = InputImage.read(a);
    InputImage second = InputImage.read(b);
    assertEquals(first.width(), second.width());
    assertEquals(first.height(), second.height());
    assertEquals(first.bytes().limit(), second.bytes().limit());
    long sum = 0;
    for (int i = 0; i < first.bytes().limit(); i++) {
      sum += Math.abs((first.bytes().get(i) & 0xFF) - (second.bytes().get(i) & 0xFF));
    }
    return (double) sum / first.bytes().limit();
  }

  @Test
  void thePicturesShownAreThoseOfTheFirstCommands() throws IOException {
    assertShown(0, "picture.png", "a red circle to the left of a blue square");
    assertShown(1, "edited.png", "a green circle to the left of a blue square");
  }

  private void assertShown(int command, String name, String caption) throws IOException {
    List<String> words = words(commands().get(command));
    Path picture = SHOWN.resolve(name);
    Map<String, String> settings = PictureSettings.readPng(picture);
    assertEquals(words.get(1), settings.get("prompt"));
    assertEquals(words.get(words.indexOf("--seed") + 1), settings.get("seed"));
    assertTrue(words.contains(folder.resolve(name).toString()), words.toString());
    assertTrue(Caption.parse(caption).holds(SceneReader.read(ImageIO.read(picture.toFile()))));
  }

  private static List<String> commands() throws IOException {
    String readme = Files.readString(Repository.root().resolve("README.md"));
    return COMMAND.matcher(readme).results().map(match -> match.group(1)).toList();
  }

  private List<String> words(String line) {
    List<String> words = new ArrayList<>();
    for (MatchResult word : WORD.matcher(line).results().toList()) {
      words.add(word.group(1) != null ? word.group(1) : absolute(word.group(2)));
    }
    return words;
  }

  private String absolute(String word) {
    if (word.startsWith("weights/")) {
      return Repository.root().resolve(word).toString();
    }
    return word.endsWith(".png") ? folder.resolve(word).toString() : word;
  }
}
