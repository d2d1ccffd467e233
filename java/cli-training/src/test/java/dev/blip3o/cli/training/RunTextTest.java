package dev.blip3o.cli.training;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.blip3o.training.TrainingSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class RunTextTest {
  @Test
  void timesHaveTheUnitThatMatters() {
    assertEquals("119 s", RunText.time(Duration.ofSeconds(119)));
    assertEquals("2 min", RunText.time(Duration.ofSeconds(120)));
    assertEquals("119 min", RunText.time(Duration.ofSeconds(7199)));
    assertEquals("2 h 07 min", RunText.time(Duration.ofMinutes(127)));
  }

  @Test
  void namesThatAShellWouldSplitAreQuoted() {
    assertEquals("run-1/checkpoints", RunText.shellWord(Path.of("run-1/checkpoints")));
    assertEquals("'my run'", RunText.shellWord(Path.of("my run")));
    assertEquals("'it'\\''s'", RunText.shellWord(Path.of("it's")));
  }

  @Test
  void thePlanSaysTheSizes() {
    TrainingSettings settings =
        TrainingSettings.builder(1200).prompts(4).groupSize(8).checkpointEvery(100).build();
    assertEquals(
        List.of(
            "  steps        1,200, each of 32 pictures: 4 x 8, learnt from once",
            "  learning     rate 1.0E-6, KL weight 0.001, clip 0.2, loss bnpo, seed 0",
            "  checkpoints  every 100 steps"),
        RunText.plan(settings).lines().toList());
  }
}
