package dev.blip3o.training.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A step's metrics as a line of CSV, without its line break, and back. */
final class MetricsRow {
  static final String HEADER =
      "step,reward,reward_deviation,kl,clipped,entropy,loss,gradient_norm,learning_rate,groups,"
          + "groups_skipped,groups_dropped,pictures,rollout_seconds,reward_seconds,"
          + "gradient_seconds";

  private static final int COLUMNS = HEADER.split(",").length;

  private MetricsRow() {}

  /**
   * The line. Numbers are written so that they are read back to the bit, seconds to the
   * millisecond.
   */
  static String of(StepMetrics metrics) {
    return String.join(
        ",",
        Integer.toString(metrics.step()),
        number(metrics.reward()),
        number(metrics.rewardDeviation()),
        number(metrics.kl()),
        number(metrics.clipped()),
        number(metrics.entropy()),
        number(metrics.loss()),
        number(metrics.gradientNorm()),
        number(metrics.learningRate()),
        Integer.toString(metrics.groups()),
        Integer.toString(metrics.groupsSkipped()),
        Integer.toString(metrics.groupsDropped()),
        Integer.toString(metrics.pictures()),
        seconds(metrics.rolloutSeconds()),
        seconds(metrics.rewardSeconds()),
        seconds(metrics.gradientSeconds()));
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "" : Double.toString(value);
  }

  private static String seconds(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }

  /**
   * Reads a line.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  static StepMetrics parse(String line) {
    List<String> fields = new ArrayList<>(List.of(line.split(",", -1)));
    if (fields.size() != COLUMNS) {
      throw new IllegalArgumentException(
          "expected " + COLUMNS + " fields, but found " + fields.size());
    }
    Fields next = new Fields(fields);
    return new StepMetrics(
        next.whole(),
        next.number(),
        next.number(),
        next.number(),
        next.number(),
        next.number(),
        next.number(),
        next.number(),
        next.number(),
        next.whole(),
        next.whole(),
        next.whole(),
        next.whole(),
        next.number(),
        next.number(),
        next.number());
  }

  /** The fields, taken one after the other. */
  private record Fields(List<String> left) {
    int whole() {
      return Integer.parseInt(left.remove(0));
    }

    double number() {
      String text = left.remove(0);
      return text.isEmpty() ? Double.NaN : Double.parseDouble(text);
    }
  }
}
