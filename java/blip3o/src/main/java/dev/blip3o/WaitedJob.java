package dev.blip3o;

import dev.blip3o.internal.RunningJob;
import java.util.Optional;
import java.util.concurrent.CompletionException;

/**
 * A job that the calling thread waits for and whose progress it hands to a listener.
 *
 * @param <T> what the job yields
 */
final class WaitedJob<T> implements AutoCloseable {
  private final JobRun<T> run;
  private final RunningJob job;
  private final EventLog.Reader reader;
  private final int picture;

  /**
   * Follows a job.
   *
   * @param picture which picture of its request it is, from 0
   */
  WaitedJob(JobRun<T> run, RunningJob job, int picture) {
    this.run = run;
    this.job = job;
    this.reader = run.log().reader();
    this.picture = picture;
  }

  /**
   * Hands what there is to the listener, without waiting.
   *
   * @return whether the job has ended and all was handed over
   */
  boolean report(ProgressListener listener, Waiter waiter) {
    for (Optional<PictureEvent> event = reader.poll(); event.isPresent(); event = reader.poll()) {
      waiter.check();
      report(listener, event.get());
    }
    return reader.atEnd();
  }

  private void report(ProgressListener listener, PictureEvent event) {
    if (event instanceof PictureEvent.Progressed progressed) {
      listener.onProgress(progressed.progress());
    } else if (event instanceof PictureEvent.Preview preview) {
      listener.onPreview(picture, preview);
    }
  }

  /** Waits for the end, reporting meanwhile. */
  T await(ProgressListener listener, Waiter waiter) {
    waiter.check();
    while (!report(listener, waiter)) {
      waiter.await();
    }
    return result();
  }

  /** The outcome of a job that has ended; a failure is thrown with the stack of this thread. */
  T result() {
    try {
      return run.outcome().join();
    } catch (CompletionException e) {
      Blip3oException failure = (Blip3oException) e.getCause();
      failure.fillInStackTrace();
      throw failure;
    }
  }

  /** Cancels the job if nobody saw its end. */
  @Override
  public void close() {
    job.cancel();
  }
}
