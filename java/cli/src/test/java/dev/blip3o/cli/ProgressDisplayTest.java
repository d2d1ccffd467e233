package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Progress;
import dev.blip3o.Progress.Stage;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressDisplayTest {
  private static final long SECOND = 1_000_000_000;
  private static final String CLEAR = "\r\u001B[K";

  private final StringWriter text = new StringWriter();
  private long now = 17;

  private ProgressDisplay display(boolean quiet, boolean terminal) {
    return ProgressDisplay.create(new PrintWriter(text), quiet, terminal, () -> now);
  }

  /** Runs a stage of {@code count} units that takes {@code nanos}. */
  private void stage(ProgressDisplay display, Stage stage, int count, long nanos) {
    for (int index = 1; index <= count; index++) {
      now += nanos / count;
      display.onProgress(new Progress(stage, index, count, 0, 1));
    }
  }

  private void picture(ProgressDisplay display) {
    stage(display, Stage.ENCODE, 9, 2 * SECOND);
    stage(display, Stage.TOKENS, 64, SECOND);
    stage(display, Stage.STEPS, 30, 3 * SECOND);
    stage(display, Stage.DECODE, 2, SECOND);
  }

  @Test
  void quietShowsNothing() {
    ProgressDisplay display = display(true, true);
    display.begin("loading");
    display.startPicture(1, 1);
    picture(display);
    display.clear();
    assertEquals("", text.toString());
  }

  @Test
  void plainLinesSayHowLongEachStageTook() {
    ProgressDisplay display = display(false, false);
    display.begin("loading demo");
    display.startPicture(1, 1);
    picture(display);
    display.clear();
    assertEquals(
        List.of(
            "loading demo",
            "encode 9/9, 2.000 s",
            "tokens 64/64, 1.000 s",
            "steps 30/30, 3.000 s",
            "decode 2/2, 1.000 s"),
        text.toString().lines().toList());
  }

  @Test
  void picturesAreCounted() {
    ProgressDisplay display = display(false, false);
    for (int number = 1; number <= 4; number++) {
      display.startPicture(number, 4);
      picture(display);
    }
    List<String> lines = text.toString().lines().toList();
    assertEquals(16, lines.size());
    assertEquals("picture 1/4: encode 9/9, 2.000 s", lines.get(0));
    assertEquals("picture 2/4: tokens 64/64, 1.000 s", lines.get(5));
    assertEquals("picture 4/4: decode 2/2, 1.000 s", lines.get(15));
  }

  @Test
  void otherThingsAreCountedToo() {
    ProgressDisplay display = display(false, false);
    display.startPicture(1, 1);
    for (int index = 1; index <= 3; index++) {
      now += SECOND;
      display.count("round 1", index, 3);
    }
    now += SECOND;
    display.count("round 2", 1, 1);
    assertEquals(
        List.of("round 1 3/3, 3.000 s", "round 2 1/1, 1.000 s"), text.toString().lines().toList());
  }

  @Test
  void longStagesGiveALineEveryTenSeconds() {
    ProgressDisplay display = display(false, false);
    display.startPicture(1, 1);
    stage(display, Stage.STEPS, 30, 60 * SECOND);
    assertEquals(
        List.of(
            "steps 5/30, 10.000 s",
            "steps 10/30, 20.000 s",
            "steps 15/30, 30.000 s",
            "steps 20/30, 40.000 s",
            "steps 25/30, 50.000 s",
            "steps 30/30, 60.000 s"),
        text.toString().lines().toList());
  }

  @Test
  void theBarGrowsOnOneLineAndGoesAway() {
    ProgressDisplay display = display(false, true);
    display.startPicture(1, 1);
    stage(display, Stage.STEPS, 4, 12 * SECOND);
    display.clear();
    display.clear();
    assertEquals(
        CLEAR
            + "steps  [#######-----------------------] 1/4  9 s left"
            + CLEAR
            + "steps  [###############---------------] 2/4  6 s left"
            + CLEAR
            + "steps  [######################--------] 3/4  3 s left"
            + CLEAR
            + "steps  [##############################] 4/4"
            + CLEAR,
        text.toString());
  }

  @Test
  void theBarIsDrawnAtMostTwentyTimesASecond() {
    ProgressDisplay display = display(false, true);
    display.startPicture(1, 1);
    stage(display, Stage.TOKENS, 10_000, SECOND);
    long draws = text.toString().chars().filter(c -> c == '\r').count();
    assertTrue(draws >= 10 && draws <= 22, draws + " draws");
    assertTrue(text.toString().endsWith("10000/10000"), text.toString());
  }
}
