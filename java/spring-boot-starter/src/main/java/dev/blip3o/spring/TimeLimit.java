package dev.blip3o.spring;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A time that passes from its creation on. */
final class TimeLimit {
  private final long start = System.nanoTime();
  private final long nanos;

  TimeLimit(Duration duration) {
    this.nanos = TimeUnit.NANOSECONDS.convert(duration); // The longest there is, for longer ones.
  }

  /** What is left of it; zero once it has passed. */
  Duration left() {
    return Duration.ofNanos(Math.max(0, nanos - (System.nanoTime() - start)));
  }
}
