package dev.blip3o.internal;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Owns something native and frees it exactly once: when closed, or when forgotten.
 *
 * <p>Whoever uses the native thing does so inside {@link #use}. {@link #close} lets nobody new in,
 * waits until those inside have left, and frees. A thread that closes from inside does not wait for
 * itself: the last one to leave frees.
 *
 * <p>Safe for use by any thread, also virtual ones: it waits in Java, holding no monitor.
 */
public final class NativeHandle implements AutoCloseable {
  private static final Cleaner CLEANER = Cleaner.create();

  private final String name;
  private final Cleaner.Cleanable cleanable;
  private final Lock lock = new ReentrantLock();
  private final Condition whenFreed = lock.newCondition();
  private final Map<Thread, Integer> users = new HashMap<>();
  private boolean closing;
  private boolean freed;

  /**
   * Takes ownership.
   *
   * @param name for messages, for example {@code "the model"}
   * @param free frees the native thing; called once, by a closing thread or the cleaner's; must not
   *     refer to this handle
   */
  public NativeHandle(String name, Runnable free) {
    this.name = name;
    this.cleanable = CLEANER.register(this, free);
  }

  /**
   * Runs {@code work}, during which the native thing is not freed.
   *
   * @throws IllegalStateException if the handle is closed or closing; then {@code work} does not
   *     run
   */
  public <T> T use(Supplier<T> work) {
    enter();
    try {
      return work.get();
    } finally {
      leave();
    }
  }

  /**
   * Closes and waits until the native thing is freed. A second call, also a concurrent one, waits
   * for the same end. Interrupts don't shorten the wait and stay set.
   */
  @Override
  public void close() {
    boolean last;
    lock.lock();
    try {
      last = !closing && users.isEmpty();
      closing = true;
      if (!last && users.containsKey(Thread.currentThread())) {
        return;
      }
    } finally {
      lock.unlock();
    }
    if (last) {
      free();
    } else {
      awaitFreed();
    }
  }

  private void enter() {
    lock.lock();
    try {
      if (closing) {
        throw new IllegalStateException(name + " is closed");
      }
      users.merge(Thread.currentThread(), 1, Integer::sum);
    } finally {
      lock.unlock();
    }
  }

  private void leave() {
    boolean last;
    lock.lock();
    try {
      users.computeIfPresent(
          Thread.currentThread(), (thread, count) -> count == 1 ? null : count - 1);
      last = closing && users.isEmpty();
    } finally {
      lock.unlock();
    }
    if (last) {
      free();
    }
    // The handle may be otherwise forgotten: it is reachable at least until its last user has left.
    Reference.reachabilityFence(this);
  }

  private void free() {
    try {
      cleanable.clean();
    } finally {
      lock.lock();
      try {
        freed = true;
        whenFreed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  private void awaitFreed() {
    lock.lock();
    try {
      while (!freed) {
        whenFreed.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }
}
