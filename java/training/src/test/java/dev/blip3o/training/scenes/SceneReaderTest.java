package dev.blip3o.training.scenes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The reader accepts each drawn scene under its own text and rejects it under the next one's. */
class SceneReaderTest {
  private static final int SCENES = 600;

  private static List<SceneSampler.Sample> samples(long seed) {
    SceneSampler sampler = new SceneSampler(seed);
    List<SceneSampler.Sample> samples = new ArrayList<>();
    while (samples.size() < SCENES) {
      SceneSampler.Sample sample = sampler.next();
      // Two scenes of the same things may well fit each other's text.
      if (samples.isEmpty() || !sameThings(samples.get(samples.size() - 1), sample)) {
        samples.add(sample);
      }
    }
    return samples;
  }

  private static boolean sameThings(SceneSampler.Sample a, SceneSampler.Sample b) {
    return a.scene().background() == b.scene().background()
        && things(a.scene()).equals(things(b.scene()));
  }

  private static List<Thing> things(Scene scene) {
    return scene.items().stream().map(Scene.Item::thing).sorted().toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {64, 128})
  void eachSceneFitsItsOwnTextAndNotTheNext(int size) {
    List<SceneSampler.Sample> samples = samples(size);
    Set<Caption.Kind> kinds = EnumSet.noneOf(Caption.Kind.class);
    for (int i = 0; i < SCENES; i++) {
      SceneSampler.Sample sample = samples.get(i);
      Caption own = Caption.parse(sample.text());
      Caption next = Caption.parse(samples.get((i + 1) % SCENES).text());
      Reading reading = SceneReader.read(ScenePainter.paint(sample.scene(), size));
      assertTrue(own.holds(reading), sample.text() + ": " + reading);
      assertFalse(next.holds(reading), next + ": " + reading);
      kinds.add(own.kind());
    }
    assertEquals(EnumSet.allOf(Caption.Kind.class), kinds);
  }

  @Test
  void placesAreReadToOnePixel() {
    for (SceneSampler.Sample sample : samples(7)) {
      if (sample.scene().items().size() != 1) {
        continue;
      }
      Scene.Item item = sample.scene().items().get(0);
      Reading reading = SceneReader.read(ScenePainter.paint(sample.scene(), 128));
      var box = item.thing().shape().outline(item.x(), item.y(), item.r()).getBounds2D();
      assertEquals(box.getCenterX(), reading.objects().get(0).x(), 1.5 / 128, sample.text());
      assertEquals(box.getCenterY(), reading.objects().get(0).y(), 1.5 / 128, sample.text());
    }
  }

  /**
   * Each changes one thing of a scene that holds: what the text names must be read, not guessed.
   */
  @ParameterizedTest
  @CsvSource({
    "a red circle to the left of a blue square on a gray background, true",
    "a blue square to the right of a red circle on a gray background, true",
    "a red circle and a blue square on a gray background, true",
    "a blue square and a red circle on a gray background, true",
    "a red circle to the right of a blue square on a gray background, false",
    "a red circle above a blue square on a gray background, false",
    "a red circle to the left of a blue square, false",
    "a red circle to the left of a blue square on a black background, false",
    "an orange circle to the left of a blue square on a gray background, false",
    "a red star to the left of a blue square on a gray background, false",
    "a red square to the left of a blue circle on a gray background, false",
    "a red circle on a gray background, false",
    "two red circles on a gray background, false",
    "three blue squares on a gray background, false"
  })
  void everyPartOfATextCounts(String text, boolean holds) {
    Scene scene =
        new Scene(
            List.of(
                new Scene.Item(new Thing(SceneShape.CIRCLE, SceneColor.RED), 0.25, 0.6, 0.18),
                new Scene.Item(new Thing(SceneShape.SQUARE, SceneColor.BLUE), 0.75, 0.55, 0.18)),
            SceneBackground.GRAY);
    BufferedImage picture = ScenePainter.paint(scene, 128);
    assertEquals(holds, Caption.parse(text).holds(SceneReader.read(picture)));
  }

  @Test
  void anEmptyPictureShowsNothing() {
    for (SceneBackground background : SceneBackground.values()) {
      Reading reading = SceneReader.read(ScenePainter.paint(new Scene(List.of(), background), 128));
      assertEquals(new Reading(background, List.of()), reading);
    }
  }

  @Test
  void otherSentencesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> Caption.parse("a pink circle"));
    assertThrows(IllegalArgumentException.class, () -> Caption.parse("two red crosss"));
    assertThrows(
        IllegalArgumentException.class, () -> Caption.parse("a red circle on a pink background"));
  }
}
