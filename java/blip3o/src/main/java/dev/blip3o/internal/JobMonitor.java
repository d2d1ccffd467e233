package dev.blip3o.internal;

import java.util.Optional;

/** Watches a job from the thread that waits for it. */
public interface JobMonitor {
  /** Stages that report units of work. */
  enum Unit {
    ENCODE,
    TOKEN,
    STEP,
    DECODE
  }

  /** {@code index} of {@code count} units are done. An exception ends the job. */
  void progress(Unit unit, int index, int count);

  /**
   * Why the job should stop, if it should. Asked at least every {@value NativeJob#POLL_MILLIS} ms.
   */
  Optional<String> stopReason();
}
