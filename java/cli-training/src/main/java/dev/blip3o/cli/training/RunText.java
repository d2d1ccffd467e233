package dev.blip3o.cli.training;

import dev.blip3o.cli.Text;
import dev.blip3o.training.TrainingSettings;
import dev.blip3o.training.report.StepMetrics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;

/** What a training run says of itself. */
final class RunText {
  private RunText() {}

  /** What a run with these settings will do, in lines. */
  static String plan(TrainingSettings settings) {
    int pictures = settings.prompts() * settings.groupSize();
    return String.format(
        Locale.ROOT,
        "  steps        %s, each of %s: %d x %d, learnt from %s%n"
            + "  learning     rate %s, KL weight %s, clip %s, loss %s, seed %s%n"
            + "  checkpoints  every %s",
        Text.count(settings.steps()),
        Text.plural(pictures, "picture"),
        settings.prompts(),
        settings.groupSize(),
        settings.iterations() == 1 ? "once" : settings.iterations() + " times",
        settings.learningRate(),
        settings.klWeight(),
        settings.clip(),
        settings.variant().word(),
        Long.toUnsignedString(settings.seed()),
        Text.plural(settings.checkpointEvery(), "step"));
  }

  /**
   * One step.
   *
   * @param left how long the steps after it take; zero: there are none
   */
  static String step(StepMetrics metrics, int steps, Duration left) {
    StringBuilder line = new StringBuilder();
    line.append(
        String.format(
            Locale.ROOT,
            "step %d/%d: reward %s ± %s, KL %s, clipped %s, entropy %s, %s pictures/s",
            metrics.step(),
            steps,
            number("%.3f", metrics.reward()),
            number("%.3f", metrics.rewardDeviation()),
            number("%.2g", metrics.kl()),
            number("%.1f%%", 100 * metrics.clipped()),
            number("%.3f", metrics.entropy()),
            number("%.1f", metrics.picturesPerSecond())));
    if (metrics.groupsSkipped() > 0) {
      line.append(", ").append(Text.plural(metrics.groupsSkipped(), "group")).append(" all equal");
    }
    if (metrics.groupsDropped() > 0) {
      line.append(", ").append(Text.plural(metrics.groupsDropped(), "group")).append(" dropped");
    }
    if (!left.isZero()) {
      line.append(", ").append(time(left)).append(" left");
    }
    return line.toString();
  }

  private static String number(String format, double value) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
  }

  /** {@code 42 s}, {@code 5 min}, {@code 2 h 07 min}. */
  static String time(Duration time) {
    if (time.compareTo(Duration.ofMinutes(2)) < 0) {
      return time.toSeconds() + " s";
    }
    if (time.compareTo(Duration.ofHours(2)) < 0) {
      return time.toMinutes() + " min";
    }
    return String.format(Locale.ROOT, "%d h %02d min", time.toHours(), time.toMinutesPart());
  }

  /** A file's name as a POSIX shell takes it. */
  static String shellWord(Path path) {
    String word = path.toString();
    return word.matches("[\\w./:@%+=,-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
  }
}
