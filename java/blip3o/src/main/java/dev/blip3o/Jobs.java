package dev.blip3o;

import dev.blip3o.internal.EventDispatcher;
import dev.blip3o.internal.JobSpec;
import dev.blip3o.internal.NativeHandle;
import dev.blip3o.internal.RunningJob;
import java.util.Objects;

/** Submits the jobs of one open model. */
final class Jobs {
  private final NativeHandle handle;
  private final EventDispatcher dispatcher;

  /**
   * Of an open model.
   *
   * @param handle is not freed while a job is submitted, nor forgotten while one runs
   */
  Jobs(NativeHandle handle, EventDispatcher dispatcher) {
    this.handle = handle;
    this.dispatcher = dispatcher;
  }

  /** Submits a job and returns at once. Refusals are thrown. */
  RunningJob submit(JobSpec spec, JobRun<?> run) {
    return handle.use(() -> dispatcher.submit(spec, run, handle));
  }

  /** Submits a job whose listener is the bell of {@code waiter}. */
  <T> WaitedJob<T> submit(JobSpec spec, JobRun<T> run, int picture, Waiter waiter) {
    run.log().listen(waiter.bell());
    return new WaitedJob<>(run, submit(spec, run), picture);
  }

  /** Runs a job that is not a picture and waits for its end. */
  <T> T run(
      JobSpec spec, JobRun<T> run, ProgressListener listener, CancellationToken cancellation) {
    Objects.requireNonNull(listener, "listener");
    Objects.requireNonNull(cancellation, "cancellation");
    try (Waiter waiter = new Waiter(cancellation);
        WaitedJob<T> job = submit(spec, run, 0, waiter)) {
      return job.await(listener, waiter);
    }
  }
}
