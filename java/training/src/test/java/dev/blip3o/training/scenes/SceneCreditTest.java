package dev.blip3o.training.scenes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Partial credit is 1 exactly where the caption holds, and worked out by hand elsewhere. */
class SceneCreditTest {
  @Test
  void itIsOneExactlyWhereTheCaptionHolds() {
    SceneSampler sampler = new SceneSampler(11);
    List<SceneSampler.Sample> samples = new ArrayList<>();
    for (int i = 0; i < 120; i++) {
      samples.add(sampler.next());
    }
    int held = 0;
    for (int i = 0; i < samples.size(); i++) {
      Reading reading = SceneReader.read(ScenePainter.paint(samples.get(i).scene(), 96));
      for (int j = i; j < Math.min(i + 3, samples.size()); j++) {
        Caption caption = Caption.parse(samples.get(j).text());
        double credit = SceneCredit.of(caption, reading);
        assertEquals(caption.holds(reading), credit == 1, caption + ": " + reading);
        assertTrue(credit >= 0 && credit <= 1, caption + ": " + credit);
        held += caption.holds(reading) ? 1 : 0;
      }
    }
    assertTrue(held >= samples.size());
  }

  /** The picture shows a red circle to the left of a blue square, on gray. */
  @ParameterizedTest
  @CsvSource({
    // objects / background / position
    "a red circle to the left of a blue square on a gray background, 1, 1, 1",
    "a red circle to the right of a blue square on a gray background, 1, 1, 0",
    "a red circle to the left of a blue square, 1, 0, 1",
    "a red circle to the left of a green square on a gray background, 0.75, 1, 0",
    "a blue circle to the left of a red square on a gray background, 0.5, 1, 0",
    "a yellow star above a green cross on a gray background, 0, 1, 0"
  })
  void sharesOfAPosition(String text, double objects, double background, double position) {
    assertEquals((3 * objects + background + position) / 5, credit(text), 1e-12);
  }

  @ParameterizedTest
  @CsvSource({
    "a red circle and a blue square, 1, 0",
    "a red circle on a gray background, 0.5, 1",
    "a blue circle on a gray background, 0.25, 1",
    "three blue squares on a gray background, 0.3333333333333333, 1",
    "three red squares on a black background, 0.3333333333333333, 0"
  })
  void sharesOfTheRest(String text, double objects, double background) {
    assertEquals((3 * objects + background) / 4, credit(text), 1e-12);
  }

  private static double credit(String text) {
    Scene scene =
        new Scene(
            List.of(
                new Scene.Item(new Thing(SceneShape.CIRCLE, SceneColor.RED), 0.25, 0.6, 0.18),
                new Scene.Item(new Thing(SceneShape.SQUARE, SceneColor.BLUE), 0.75, 0.55, 0.18)),
            SceneBackground.GRAY);
    Reading reading = SceneReader.read(ScenePainter.paint(scene, 128));
    return SceneCredit.of(Caption.parse(text), reading);
  }
}
