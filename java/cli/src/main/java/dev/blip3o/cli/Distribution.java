package dev.blip3o.cli;

import java.util.Arrays;
import java.util.Collection;

/** Durations that were measured, in nanoseconds. */
final class Distribution {
  private final long[] sorted;

  private Distribution(long[] sorted) {
    this.sorted = sorted;
  }

  static Distribution of(Collection<Long> nanos) {
    return new Distribution(nanos.stream().mapToLong(Long::longValue).sorted().toArray());
  }

  int count() {
    return sorted.length;
  }

  boolean isEmpty() {
    return sorted.length == 0;
  }

  /** The mean; there must be a value. */
  double mean() {
    return Arrays.stream(sorted).average().orElseThrow();
  }

  /** The mean of the two in the middle, or the one; there must be a value. */
  double median() {
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1
        ? sorted[middle]
        : sorted[middle - 1] + (sorted[middle] - sorted[middle - 1]) / 2.0;
  }

  /**
   * The nearest rank: the smallest value that {@code percent} of all do not exceed. There must be a
   * value.
   *
   * @param percent 1 to 100
   */
  long percentile(int percent) {
    long rank = ((long) percent * sorted.length + 99) / 100;
    return sorted[(int) rank - 1];
  }

  /** The largest; there must be a value. */
  long max() {
    return sorted[sorted.length - 1];
  }
}
