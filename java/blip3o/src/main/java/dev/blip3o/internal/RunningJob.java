package dev.blip3o.internal;

import dev.blip3o.Blip3oException;
import dev.blip3o.InsufficientMemoryException;
import dev.blip3o.InternalErrorException;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A job on its way from submission to its end: carries what it tells to its sink.
 *
 * <p>Whoever learns that there is something to read calls {@link #drain}; one of them at a time
 * reads, and no lock is held while the sink is called.
 */
public final class RunningJob {
  private final Set<JobValue> outputs;
  private final JobSink sink;
  private final Runnable onEnd;
  private final AtomicInteger calls = new AtomicInteger();

  /** What must not be forgotten while the job runs: whoever owns the model. */
  private Object owner;

  private volatile NativeJob job;
  private boolean cancelled;

  /**
   * A job that is about to be submitted.
   *
   * @param outputs what to bring back
   * @param owner is kept reachable until the end
   * @param onEnd runs before the sink hears of the end
   */
  RunningJob(Set<JobValue> outputs, JobSink sink, Object owner, Runnable onEnd) {
    this.outputs = outputs;
    this.sink = sink;
    this.owner = owner;
    this.onEnd = onEnd;
  }

  /** Takes ownership of the native job, once. */
  synchronized void attach(NativeJob submitted) {
    job = submitted;
    if (cancelled) {
      submitted.cancel();
    }
  }

  /** Asks the job to stop; its sink hears of the end. No effect after the end. */
  public synchronized void cancel() {
    cancelled = true;
    NativeJob submitted = job;
    if (submitted != null) {
      submitted.cancel();
    }
  }

  /** Carries what there is to the sink. */
  void drain() {
    if (calls.getAndIncrement() != 0) {
      return; // Whoever is inside reads once more.
    }
    int seen = 1;
    do {
      NativeJob submitted = job;
      if (submitted != null) {
        drain(submitted);
      }
      seen = calls.addAndGet(-seen);
    } while (seen != 0);
  }

  private void drain(NativeJob submitted) {
    JobOutputs values;
    try {
      if (!submitted.read(sink::event)) {
        return;
      }
      values = submitted.outputs(outputs);
    } catch (Throwable e) { // The thread that reads serves other jobs too.
      release(submitted);
      sink.failed(failure(e));
      return;
    }
    release(submitted);
    sink.done(values);
  }

  private void release(NativeJob ended) {
    onEnd.run();
    job = null;
    owner = null;
    ended.close();
  }

  private static Blip3oException failure(Throwable cause) {
    if (cause instanceof Blip3oException failure) {
      return failure;
    }
    if (cause instanceof OutOfMemoryError) {
      return new InsufficientMemoryException(
          "the Java heap, or the direct memory beside it, has no room for the results of the request"
              + " ("
              + cause.getMessage()
              + "): enlarge them with -Xmx and -XX:MaxDirectMemorySize, or make the request smaller",
          cause);
    }
    return new InternalErrorException("the events of a request can't be read: " + cause, cause);
  }
}
