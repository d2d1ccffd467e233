package dev.blip3o.internal;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Owns something native and frees it exactly once: when closed, or when forgotten.
 *
 * <p>Whoever uses the native thing does so inside {@link #use}. {@link #close} lets nobody new in,
 * waits until those inside have left, and frees. Long work asks {@link #closing} now and then and
 * leaves early. A thread that closes from inside (from a progress listener, say) does not wait for
 * itself: the last one to leave frees.
 *
 * <p>Safe for use by any thread.
 */
public final class NativeHandle implements AutoCloseable {
  private static final Cleaner CLEANER = Cleaner.create();

  private final String name;
  private final Cleaner.Cleanable cleanable;
  private final Object lock = new Object();
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

  /** Whether {@link #close} was called: who is inside should leave. */
  public boolean closing() {
    synchronized (lock) {
      return closing;
    }
  }

  /**
   * Closes and waits until the native thing is freed. A second call, also a concurrent one, waits
   * for the same end. Interrupts don't shorten the wait and stay set.
   */
  @Override
  public void close() {
    boolean last;
    synchronized (lock) {
      last = !closing && users.isEmpty();
      closing = true;
      if (!last && users.containsKey(Thread.currentThread())) {
        return;
      }
    }
    if (last) {
      free();
    } else {
      awaitFreed();
    }
  }

  private void enter() {
    synchronized (lock) {
      if (closing) {
        throw new IllegalStateException(name + " is closed");
      }
      users.merge(Thread.currentThread(), 1, Integer::sum);
    }
  }

  private void leave() {
    boolean last;
    synchronized (lock) {
      users.computeIfPresent(
          Thread.currentThread(), (thread, count) -> count == 1 ? null : count - 1);
      last = closing && users.isEmpty();
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
      synchronized (lock) {
        freed = true;
        lock.notifyAll();
      }
    }
  }

  private void awaitFreed() {
    boolean interrupted = false;
    synchronized (lock) {
      while (!freed) {
        try {
          lock.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
