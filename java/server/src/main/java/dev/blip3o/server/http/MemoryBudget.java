package dev.blip3o.server.http;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What the bodies and pictures of all requests together may hold of the heap: many large uploads at
 * once are refused, not the whole process ended.
 *
 * <p>Threads: safe for use by any thread.
 */
final class MemoryBudget {
  private final long capacity;
  private final AtomicLong taken = new AtomicLong();

  MemoryBudget(long capacity) {
    this.capacity = capacity;
  }

  /** Takes {@code bytes}, or nothing where there is no room for them. */
  boolean take(long bytes) {
    long before = taken.get();
    while (before + bytes <= capacity) {
      if (taken.compareAndSet(before, before + bytes)) {
        return true;
      }
      before = taken.get();
    }
    return false;
  }

  /** Gives back what was taken. */
  void give(long bytes) {
    taken.addAndGet(-bytes);
  }

  /** Bytes that are taken now. */
  long taken() {
    return taken.get();
  }
}
