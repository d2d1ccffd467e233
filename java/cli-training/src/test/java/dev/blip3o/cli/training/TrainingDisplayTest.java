package dev.blip3o.cli.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.cli.ProgressDisplay;
import dev.blip3o.training.report.StepMetrics;
import dev.blip3o.training.rewards.RewardException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class TrainingDisplayTest {
  private static final long SECOND = 1_000_000_000;
  private static final String CLEAR = "\r\u001B[K";

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private long now = 5;

  private TrainingDisplay display(boolean terminal, int done, int steps) {
    PrintWriter errors = new PrintWriter(err, true);
    ProgressDisplay progress = ProgressDisplay.create(errors, !terminal, terminal, () -> now);
    return new TrainingDisplay(
        new PrintWriter(out, true), errors, progress, () -> now, done, steps);
  }

  private static StepMetrics step(int number, int skipped, int dropped) {
    return new StepMetrics(
        number, 0.8125, 0.1, 0.00012, 0.015, 4.25, 0.1, 1, 1e-6, 2, skipped, dropped, 8, 2, 1, 1);
  }

  @Test
  void eachStepSaysHowItWentAndHowLongTheRestTakes() {
    TrainingDisplay display = display(false, 0, 3);
    now += 60 * SECOND;
    display.onStep(step(1, 0, 0));
    display.onCheckpoint(1, Path.of("run/checkpoints/step-000001"));
    now += 60 * SECOND;
    display.onStep(step(2, 1, 2));
    now += 60 * SECOND;
    display.onStep(step(3, 0, 0));
    String step = ": reward 0.813 ± 0.100, KL 0.00012, clipped 1.5%, entropy 4.250, 2.0 pictures/s";
    assertEquals(
        List.of(
            "step 1/3" + step + ", 2 min left",
            "checkpoint run/checkpoints/step-000001",
            "step 2/3" + step + ", 1 group all equal, 2 groups dropped, 60 s left",
            "step 3/3" + step),
        out.toString().lines().toList());
    assertEquals("", err.toString());
  }

  @Test
  void aResumedRunCountsItsOwnSteps() {
    TrainingDisplay display = display(false, 8, 10);
    now += 30 * SECOND;
    display.onStep(step(9, 0, 0));
    assertTrue(out.toString().endsWith(", 30 s left\n"), out.toString());
  }

  @Test
  void whatAStepDoesNotHaveIsNoNumber() {
    double nan = Double.NaN;
    StepMetrics nothing =
        new StepMetrics(1, 0.5, 0, nan, nan, nan, nan, nan, 1e-6, 0, 2, 0, 8, 2, 1, 1);
    display(false, 0, 1).onStep(nothing);
    assertTrue(out.toString().contains("KL -, clipped -, entropy -,"), out.toString());
  }

  @Test
  void aTerminalShowsTheStepsPictures() {
    TrainingDisplay display = display(true, 0, 2);
    display.onPicture(1, 1, 2);
    display.onPicture(1, 2, 2);
    display.onStep(step(1, 0, 0));
    assertEquals(
        CLEAR
            + "step 1/2: pictures [###############---------------] 1/2"
            + CLEAR
            + "step 1/2: pictures [##############################] 2/2"
            + CLEAR
            + "step 1/2: learning ..."
            + CLEAR,
        err.toString());
  }

  @Test
  void whatIsToldLateIsNotShown() {
    TrainingDisplay display = display(true, 0, 2);
    display.onStep(step(1, 0, 0));
    display.onPicture(1, 2, 2);
    assertEquals("", err.toString());
  }

  @Test
  void groupsThatAreLeftOutAreNamed() {
    display(false, 0, 2).onGroupDropped(2, "a red\ncircle", new RewardException("it hung"));
    assertEquals("step 2: left out \"a red circle\", as it hung\n", err.toString());
    assertEquals("", out.toString());
  }
}
