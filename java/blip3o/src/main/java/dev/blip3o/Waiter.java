package dev.blip3o;

import java.util.concurrent.Semaphore;

/**
 * A thread that waits for jobs until they tell something, its token is cancelled or it is
 * interrupted. It waits in Java, so that a virtual thread gives its carrier away meanwhile.
 */
final class Waiter implements AutoCloseable {
  private final CancellationToken cancellation;
  private final Semaphore rings = new Semaphore(0);
  private final Runnable bell = rings::release;

  Waiter(CancellationToken cancellation) {
    this.cancellation = cancellation;
    cancellation.listen(bell);
  }

  /** Whatever rings it wakes the waiter. */
  Runnable bell() {
    return bell;
  }

  /**
   * Waits for the bell.
   *
   * @throws GenerationCancelledException if the waiting thread should give up
   */
  void await() {
    try {
      rings.acquire();
    } catch (InterruptedException e) {
      // The flag stays set: the caller's own loops must see it too.
      Thread.currentThread().interrupt();
    }
    rings.drainPermits();
    check();
  }

  /**
   * Looks without waiting.
   *
   * @throws GenerationCancelledException if the waiting thread should give up
   */
  void check() {
    if (cancellation.isCancelled()) {
      throw new GenerationCancelledException("cancelled by its token");
    }
    if (Thread.currentThread().isInterrupted()) {
      throw new GenerationCancelledException(
          "cancelled because the waiting thread was interrupted");
    }
  }

  @Override
  public void close() {
    cancellation.ignore(bell);
  }
}
