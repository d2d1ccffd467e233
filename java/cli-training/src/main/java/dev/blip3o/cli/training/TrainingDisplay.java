package dev.blip3o.cli.training;

import dev.blip3o.cli.ProgressDisplay;
import dev.blip3o.cli.Text;
import dev.blip3o.training.TrainingListener;
import dev.blip3o.training.report.StepMetrics;
import dev.blip3o.training.rewards.RewardException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Shows how a run comes along: a line for each step and checkpoint, and within a step what the
 * display makes of its pictures.
 *
 * <p>Threads: safe for use by any thread.
 */
final class TrainingDisplay implements TrainingListener {
  private final PrintWriter out;
  private final PrintWriter err;
  private final ProgressDisplay display;
  private final LongSupplier nanos;
  private final int steps;
  private final int first;
  private final long start;
  private int done;

  /**
   * A display.
   *
   * @param out for steps and checkpoints
   * @param err for groups that are left out
   * @param display for what goes on within a step
   * @param nanos a clock, as {@link System#nanoTime}
   * @param done steps that are taken already
   * @param steps of the whole run
   */
  TrainingDisplay(
      PrintWriter out,
      PrintWriter err,
      ProgressDisplay display,
      LongSupplier nanos,
      int done,
      int steps) {
    this.out = out;
    this.err = err;
    this.display = display;
    this.nanos = nanos;
    this.steps = steps;
    this.first = done;
    this.done = done;
    this.start = nanos.getAsLong();
  }

  /** The model is about to be opened. */
  synchronized void loading(Path model) {
    display.begin("loading " + Text.oneLine(model.toString()));
  }

  @Override
  public synchronized void onPicture(int step, int count, int pictures) {
    if (step <= done) {
      return; // told late, by another thread
    }
    if (count == 1) {
      display.startCounting();
    }
    String title = "step " + step + "/" + steps + ": ";
    display.count(title + "pictures", count, pictures);
    if (count == pictures) {
      display.begin(title + "learning");
    }
  }

  @Override
  public synchronized void onGroupDropped(int step, String prompt, RewardException failure) {
    display.clear();
    err.println(
        Text.oneLine("step " + step + ": left out \"" + prompt + "\", as " + failure.getMessage()));
    err.flush();
  }

  @Override
  public synchronized void onStep(StepMetrics metrics) {
    done = metrics.step();
    Duration each = Duration.ofNanos((nanos.getAsLong() - start) / (done - first));
    print(RunText.step(metrics, steps, each.multipliedBy(steps - done)));
  }

  @Override
  public synchronized void onCheckpoint(int step, Path folder) {
    print("checkpoint " + Text.oneLine(folder.toString()));
  }

  /** Takes away what is drawn. */
  synchronized void clear() {
    display.clear();
  }

  private void print(String line) {
    display.clear();
    out.println(line);
    out.flush();
  }
}
