package dev.blip3o.server.health;

import java.util.concurrent.atomic.AtomicReference;

/**
 * One request that a draining server waits for, until it is closed.
 *
 * <p>Threads: safe for use by any thread; a second close has no effect.
 */
public final class Work implements AutoCloseable {
  private final AtomicReference<Runnable> end;

  Work(Runnable end) {
    this.end = new AtomicReference<>(end);
  }

  @Override
  public void close() {
    Runnable once = end.getAndSet(null);
    if (once != null) {
      once.run();
    }
  }
}
