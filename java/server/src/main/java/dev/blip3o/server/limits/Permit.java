package dev.blip3o.server.limits;

import java.util.concurrent.atomic.AtomicReference;

/**
 * One request of a client that is under way, until it is closed.
 *
 * <p>Threads: safe for use by any thread; a second close has no effect.
 */
public final class Permit implements AutoCloseable {
  private final AtomicReference<Runnable> release;

  Permit(Runnable release) {
    this.release = new AtomicReference<>(release);
  }

  @Override
  public void close() {
    Runnable once = release.getAndSet(null);
    if (once != null) {
      once.run();
    }
  }
}
