package dev.blip3o.e2e.scenes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.training.scenes.Reading;
import dev.blip3o.training.scenes.Scene;
import dev.blip3o.training.scenes.SceneBackground;
import dev.blip3o.training.scenes.SceneColor;
import dev.blip3o.training.scenes.ScenePainter;
import dev.blip3o.training.scenes.SceneReader;
import dev.blip3o.training.scenes.SceneShape;
import dev.blip3o.training.scenes.Thing;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The comparison accepts the wanted scene as it is painted, and nothing that differs from it. */
class WantedSceneTest {
  private static final Thing RED_CIRCLE = new Thing(SceneShape.CIRCLE, SceneColor.RED);
  private static final Thing BLUE_SQUARE = new Thing(SceneShape.SQUARE, SceneColor.BLUE);

  /** The circle was there, the square is new. */
  private static final WantedScene WANTED =
      new WantedScene(
          SceneBackground.GRAY,
          List.of(
              new WantedScene.Wanted(RED_CIRCLE, 0.3, 0.3, true),
              new WantedScene.Wanted(BLUE_SQUARE, 0.7, 0.7, false)));

  private static Scene.Item item(Thing thing, double x, double y) {
    return new Scene.Item(thing, x, y, 0.15);
  }

  private static boolean shows(SceneBackground background, Scene.Item... items) {
    Scene scene = new Scene(List.of(items), background);
    return WANTED.shownBy(SceneReader.read(ScenePainter.paint(scene, 128)));
  }

  private static boolean shows(Scene.Item... items) {
    return shows(SceneBackground.GRAY, items);
  }

  @Test
  void theSceneItselfIsShown() {
    assertTrue(shows(item(RED_CIRCLE, 0.3, 0.3), item(BLUE_SQUARE, 0.7, 0.7)));
    assertTrue(shows(item(BLUE_SQUARE, 0.7, 0.7), item(RED_CIRCLE, 0.3, 0.3)));
  }

  @ParameterizedTest
  @CsvSource({
    "0.30, 0.30, true",
    "0.34, 0.26, true",
    "0.36, 0.30, false",
    "0.24, 0.30, false",
    "0.30, 0.36, false",
    "0.30, 0.24, false"
  })
  void aKeptObjectStaysInPlace(double x, double y, boolean shown) {
    assertEquals(shown, shows(item(RED_CIRCLE, x, y), item(BLUE_SQUARE, 0.7, 0.7)));
  }

  @Test
  void aNewObjectMayBeAnywhere() {
    assertTrue(shows(item(RED_CIRCLE, 0.3, 0.3), item(BLUE_SQUARE, 0.7, 0.2)));
  }

  @Test
  void anotherColorIsNotIt() {
    Thing green = new Thing(SceneShape.SQUARE, SceneColor.GREEN);
    assertFalse(shows(item(RED_CIRCLE, 0.3, 0.3), item(green, 0.7, 0.7)));
    Thing orange = new Thing(SceneShape.CIRCLE, SceneColor.ORANGE);
    assertFalse(shows(item(orange, 0.3, 0.3), item(BLUE_SQUARE, 0.7, 0.7)));
  }

  @Test
  void anotherShapeIsNotIt() {
    Thing star = new Thing(SceneShape.STAR, SceneColor.BLUE);
    assertFalse(shows(item(RED_CIRCLE, 0.3, 0.3), item(star, 0.7, 0.7)));
  }

  @Test
  void missingAndExtraObjectsAreSeen() {
    assertFalse(shows());
    assertFalse(shows(item(RED_CIRCLE, 0.3, 0.3)));
    Thing cross = new Thing(SceneShape.CROSS, SceneColor.YELLOW);
    assertFalse(
        shows(item(RED_CIRCLE, 0.3, 0.3), item(BLUE_SQUARE, 0.7, 0.7), item(cross, 0.75, 0.25)));
    assertFalse(
        shows(
            item(RED_CIRCLE, 0.3, 0.3), item(BLUE_SQUARE, 0.7, 0.7), item(RED_CIRCLE, 0.75, 0.25)));
  }

  @Test
  void anotherBackgroundIsNotIt() {
    assertFalse(
        shows(SceneBackground.WHITE, item(RED_CIRCLE, 0.3, 0.3), item(BLUE_SQUARE, 0.7, 0.7)));
  }

  @Test
  void ofEqualObjectsEachKeptOneStays() {
    WantedScene two =
        new WantedScene(
            SceneBackground.WHITE,
            List.of(
                new WantedScene.Wanted(RED_CIRCLE, 0.25, 0.5, true),
                new WantedScene.Wanted(RED_CIRCLE, 0.75, 0.5, true)));
    assertTrue(two.shownBy(circles(0.25, 0.75)));
    assertTrue(two.shownBy(circles(0.75, 0.25)));
    assertFalse(two.shownBy(circles(0.25, 0.65)));
  }

  private static Reading circles(double... places) {
    List<Scene.Item> items = new ArrayList<>();
    for (double x : places) {
      items.add(item(RED_CIRCLE, x, 0.5));
    }
    return SceneReader.read(ScenePainter.paint(new Scene(items, SceneBackground.WHITE), 128));
  }
}
