package dev.blip3o.internal;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.LongPointer;

/**
 * The one thread of an open model that reads the events of all of its jobs and carries them to
 * their sinks. Code of the library's users never runs on it.
 *
 * <p>It does not know who owns the model, so that a forgotten model can be collected; a job does
 * while it runs, so that a model is not collected before its jobs have ended.
 */
public final class EventDispatcher {
  private final NativeModel model;
  private final Map<Long, RunningJob> jobs = new ConcurrentHashMap<>();
  private final AtomicLong tags = new AtomicLong();
  private final Thread thread;
  private volatile boolean stopping;
  private Runnable afterwards;

  /** Starts the thread. */
  public EventDispatcher(NativeModel model) {
    this.model = model;
    this.thread = new Thread(this::run, "blip3o-events");
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * Submits a job. Must not run beside or after {@link #stop}.
   *
   * @param sink hears what becomes of it, perhaps before this returns
   * @param owner is kept reachable until the job has ended
   */
  public RunningJob submit(JobSpec spec, JobSink sink, Object owner) {
    long tag = tags.incrementAndGet();
    RunningJob job = new RunningJob(spec.outputs, sink, owner, () -> jobs.remove(tag));
    jobs.put(tag, job); // Before it is submitted: its first events may be read at once.
    try {
      job.attach(model.submit(spec, tag));
    } catch (RuntimeException | Error e) {
      jobs.remove(tag);
      throw e;
    }
    job.drain(); // The thread may have been told before the job was attached.
    return job;
  }

  /**
   * Ends the thread, closes the model, which cancels its jobs, and tells their sinks. Call once.
   *
   * <p>On the event thread itself, where an executor of the user's that runs tasks at once can
   * lead, all that happens when the thread has returned to its loop.
   */
  public void stop(Runnable afterwards) {
    Runnable close =
        () -> {
          try {
            model.close();
            jobs.values().forEach(RunningJob::drain);
          } finally {
            afterwards.run();
          }
        };
    if (Thread.currentThread() == thread) {
      this.afterwards = close;
      stopping = true;
      return;
    }
    stopping = true;
    model.wake();
    join();
    close.run();
  }

  private void run() {
    // Allocated once: what is to be read must be read when memory is short, too.
    try (LongPointer tag = new LongPointer(1)) {
      while (!stopping) {
        RunningJob job = jobs.get(model.nextReady(tag));
        if (job != null) { // Else it has ended since, or was refused.
          job.drain();
        }
      }
    } finally {
      if (afterwards != null) {
        afterwards.run();
      }
    }
  }

  private void join() {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
