package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Progress;
import dev.blip3o.Progress.Stage;
import dev.blip3o.ProgressListener;
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
  private void stage(ProgressListener picture, Stage stage, int count, long nanos) {
    for (int index = 1; index <= count; index++) {
      now += nanos / count;
      picture.onProgress(new Progress(stage, index, count, 0, 1));
    }
  }

  private void picture(ProgressListener picture) {
    stage(picture, Stage.ENCODE, 9, 2 * SECOND);
    stage(picture, Stage.TOKENS, 64, SECOND);
    stage(picture, Stage.STEPS, 30, 3 * SECOND);
    stage(picture, Stage.DECODE, 2, SECOND);
  }

  @Test
  void quietShowsNothing() {
    ProgressDisplay display = display(true, true);
    display.begin("loading");
    picture(display.startPicture(1, 1));
    display.clear();
    assertEquals("", text.toString());
  }

  @Test
  void plainLinesSayHowLongEachStageTook() {
    ProgressDisplay display = display(false, false);
    display.begin("loading demo");
    picture(display.startPicture(1, 1));
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
      picture(display.startPicture(number, 4));
      display.endPicture(number);
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
    now += SECOND;
    display.startCounting();
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
    stage(display.startPicture(1, 1), Stage.STEPS, 30, 60 * SECOND);
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
    stage(display.startPicture(1, 1), Stage.STEPS, 4, 12 * SECOND);
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
  void theBarIsThatOfTheFirstOfThePicturesOnTheirWay() {
    ProgressDisplay display = display(false, true);
    ProgressListener first = display.startPicture(1, 2);
    ProgressListener second = display.startPicture(2, 2);
    stage(second, Stage.STEPS, 2, SECOND);
    assertEquals("", text.toString());
    stage(first, Stage.STEPS, 1, SECOND);
    display.endPicture(1);
    stage(second, Stage.DECODE, 1, SECOND);
    assertEquals(
        CLEAR
            + "picture 1/2: steps [##############################] 1/1"
            + CLEAR
            + "picture 2/2: decode [##############################] 1/1",
        text.toString());
  }

  @Test
  void linesSayHowLongAStageOfEachPictureTook() {
    ProgressDisplay display = display(false, false);
    ProgressDisplay.Picture first = display.startPicture(1, 2);
    ProgressDisplay.Picture second = display.startPicture(2, 2);
    first.begin();
    stage(first, Stage.TOKENS, 4, 2 * SECOND);
    second.begin();
    stage(second, Stage.TOKENS, 4, SECOND);
    stage(first, Stage.STEPS, 4, 3 * SECOND);
    stage(second, Stage.STEPS, 4, SECOND);
    assertEquals(
        List.of(
            "picture 1/2: tokens 4/4, 2.000 s",
            "picture 2/2: tokens 4/4, 1.000 s",
            "picture 1/2: steps 4/4, 4.000 s",
            "picture 2/2: steps 4/4, 4.000 s"),
        text.toString().lines().toList());
  }

  @Test
  void theBarIsDrawnAtMostTwentyTimesASecond() {
    ProgressDisplay display = display(false, true);
    stage(display.startPicture(1, 1), Stage.TOKENS, 10_000, SECOND);
    long draws = text.toString().chars().filter(c -> c == '\r').count();
    assertTrue(draws >= 10 && draws <= 22, draws + " draws");
    assertTrue(text.toString().endsWith("10000/10000"), text.toString());
  }
}
