package dev.blip3o.internal;

import java.time.Duration;

/** Durations in the units of the C interface. */
public final class Durations {
  private static final double NANOS_PER_SECOND = 1e9;
  private static final long NANOS_PER_MILLI = 1_000_000;

  private Durations() {}

  /** {@code seconds}, to the nanosecond. */
  public static Duration ofSeconds(double seconds) {
    return Duration.ofNanos(Math.round(seconds * NANOS_PER_SECOND));
  }

  /** Whole milliseconds, rounded up: what is above zero stays above zero. */
  public static long millis(Duration duration) {
    return duration.plusNanos(NANOS_PER_MILLI - 1).toMillis();
  }
}
