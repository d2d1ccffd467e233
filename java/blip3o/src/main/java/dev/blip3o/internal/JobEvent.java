package dev.blip3o.internal;

/** What a running job tells, copied to the Java heap. The end is told apart: {@link JobSink}. */
public sealed interface JobEvent {
  /** Stages that report units of work. */
  enum Unit {
    ENCODE,
    TOKEN,
    STEP,
    DECODE
  }

  /** The job waits behind {@code ahead} others. */
  record Queued(int ahead) implements JobEvent {}

  /** The job's work begins. */
  record Started() implements JobEvent {}

  /** {@code index} of {@code count} units are done. */
  record Progress(Unit unit, int index, int count) implements JobEvent {}

  /**
   * What the picture looks like after {@code index} of {@code count} steps.
   *
   * @param rgb {@code [height, width, 3]}
   */
  record Preview(int index, int count, int height, int width, byte[] rgb) implements JobEvent {}
}
