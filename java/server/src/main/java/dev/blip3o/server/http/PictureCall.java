package dev.blip3o.server.http;

import dev.blip3o.PictureJob;
import dev.blip3o.server.openai.ApiError;
import dev.blip3o.server.openai.ApiException;
import java.time.Duration;
import java.util.List;

/**
 * One request for pictures on its way: what it holds of the memory and its jobs. When its answer
 * has ended, or its client has gone, it is over: jobs that still run are cancelled, also those that
 * come later.
 *
 * <p>Threads: safe for use by any thread.
 */
final class PictureCall {
  private static final Duration SOON = Duration.ofSeconds(2);

  private final MemoryBudget memory;
  private List<PictureJob> jobs = List.of();
  private long held;
  private boolean over;

  PictureCall(MemoryBudget memory) {
    this.memory = memory;
  }

  /**
   * Holds {@code bytes} more, until it is over.
   *
   * @throws ApiException if all requests together hold as much as they may
   */
  synchronized void hold(long bytes) {
    if (over) {
      return;
    }
    if (!memory.take(bytes)) {
      throw new ApiException(
          503,
          new ApiError(
              "The server holds as many uploads as it can. Try again in a moment.",
              ApiError.SERVER,
              null,
              "unavailable"),
          SOON);
    }
    held += bytes;
  }

  /** Its jobs; cancelled at once where it is over. */
  synchronized void jobs(List<PictureJob> submitted) {
    jobs = submitted;
    if (over) {
      jobs.forEach(PictureJob::cancel);
    }
  }

  /** Ends it. A second call has no effect. */
  synchronized void end() {
    if (over) {
      return;
    }
    over = true;
    memory.give(held);
    jobs.forEach(PictureJob::cancel);
  }

  synchronized boolean over() {
    return over;
  }
}
