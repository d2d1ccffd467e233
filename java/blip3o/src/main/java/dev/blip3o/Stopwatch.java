package dev.blip3o;

import dev.blip3o.internal.JobOutputs;
import java.time.Duration;

/** The wall clock of one picture. */
final class Stopwatch {
  private static final double NANOS_PER_SECOND = 1e9;

  private final long startNanos = System.nanoTime();

  Duration elapsed() {
    return Duration.ofNanos(System.nanoTime() - startNanos);
  }

  /** The timings of a job that has just ended. */
  Timings timings(JobOutputs outputs, Duration tokenizing) {
    JobOutputs.Seconds seconds = outputs.timings();
    return new Timings(
        tokenizing,
        Duration.ofNanos(outputs.queuedNanos()),
        duration(seconds.encode()),
        duration(seconds.prefill()),
        duration(seconds.tokens()),
        duration(seconds.condition()),
        duration(seconds.steps()),
        duration(seconds.decode()),
        elapsed(),
        seconds.workspaceBytes());
  }

  private static Duration duration(double seconds) {
    return Duration.ofNanos(Math.round(seconds * NANOS_PER_SECOND));
  }
}
