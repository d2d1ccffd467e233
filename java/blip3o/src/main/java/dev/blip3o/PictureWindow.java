package dev.blip3o;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Makes the pictures of one request while the calling thread waits: a few at once, so that they
 * share the model's work, and not all, so that a large request does not fill the queue of others.
 */
final class PictureWindow {
  /** How many pictures are on their way at once, at most. */
  static final int SIZE = 8;

  private final PictureJobs jobs;
  private final ProgressListener listener;
  private final Waiter waiter;
  private final Deque<WaitedJob<GeneratedImage>> flying = new ArrayDeque<>();
  private final List<GeneratedImage> images = new ArrayList<>();
  private int submitted;
  private boolean queueFull;

  PictureWindow(PictureJobs jobs, ProgressListener listener, Waiter waiter) {
    this.jobs = jobs;
    this.listener = listener;
    this.waiter = waiter;
  }

  /** Makes all pictures. What is on its way when something goes wrong is cancelled. */
  List<GeneratedImage> run() {
    try {
      waiter.check();
      while (images.size() < jobs.count()) {
        submit();
        if (!report()) {
          waiter.await();
        }
      }
      return List.copyOf(images);
    } finally {
      flying.forEach(WaitedJob::close);
    }
  }

  /** Submits what fits the window. A full queue is an error only where none of ours is in it. */
  private void submit() {
    while (!queueFull && flying.size() < SIZE && submitted < jobs.count()) {
      try {
        flying.add(jobs.submit(submitted, waiter));
        submitted++;
      } catch (QueueFullException e) {
        if (flying.isEmpty()) {
          throw e;
        }
        queueFull = true; // Until one of ours has ended.
      } catch (IllegalStateException e) {
        if (submitted == 0) {
          throw e;
        }
        throw new GenerationCancelledException("cancelled because the model was closed", e);
      }
    }
  }

  /**
   * Hands over what there is: progress of all, pictures in their order.
   *
   * @return whether a picture was finished
   */
  private boolean report() {
    int before = images.size();
    boolean first = true;
    for (WaitedJob<GeneratedImage> job : List.copyOf(flying)) {
      boolean ended = job.report(listener, waiter);
      first = first && ended;
      if (first) {
        finish(job);
      }
    }
    return images.size() > before;
  }

  private void finish(WaitedJob<GeneratedImage> job) {
    GeneratedImage image = job.result();
    flying.remove();
    queueFull = false;
    images.add(image);
    listener.onPicture(images.size() - 1, image);
  }
}
