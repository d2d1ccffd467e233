package dev.blip3o;

import dev.blip3o.internal.Durations;
import dev.blip3o.internal.JobOutputs;
import java.time.Duration;

/** The wall clock of one picture. */
final class Stopwatch {
  private final long startNanos = System.nanoTime();

  Duration elapsed() {
    return Duration.ofNanos(System.nanoTime() - startNanos);
  }

  /** The timings of a job that has just ended. */
  Timings timings(JobOutputs outputs, Duration tokenizing) {
    JobOutputs.Seconds seconds = outputs.timings();
    return new Timings(
        tokenizing,
        Durations.ofSeconds(seconds.queued()),
        Durations.ofSeconds(seconds.waiting()),
        Durations.ofSeconds(seconds.encode()),
        Durations.ofSeconds(seconds.prefill()),
        Durations.ofSeconds(seconds.tokens()),
        Durations.ofSeconds(seconds.condition()),
        Durations.ofSeconds(seconds.steps()),
        Durations.ofSeconds(seconds.decode()),
        elapsed(),
        seconds.workspaceBytes());
  }
}
