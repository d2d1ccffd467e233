package dev.blip3o.springai;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The calls that are under way, and whether more are taken.
 *
 * <p>Safe for use by any thread, also virtual ones: it waits in Java, holding no monitor.
 */
final class Calls {
  private final Lock lock = new ReentrantLock();
  private final Condition whenNone = lock.newCondition();
  private int running;
  private boolean draining;

  /**
   * Begins a call, which is to {@link #leave} at its end.
   *
   * @throws IllegalStateException while none is taken
   */
  void enter() {
    lock.lock();
    try {
      if (draining) {
        throw new IllegalStateException("the image model takes no more prompts: it is shut down");
      }
      running++;
    } finally {
      lock.unlock();
    }
  }

  void leave() {
    lock.lock();
    try {
      running--;
      if (running == 0) {
        whenNone.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  void resume() {
    lock.lock();
    try {
      draining = false;
    } finally {
      lock.unlock();
    }
  }

  /** Takes no more calls; whether none is under way, at the latest after {@code timeout}. */
  boolean drain(Duration timeout) {
    long nanos = TimeUnit.NANOSECONDS.convert(timeout); // The longest there is, for longer ones.
    lock.lock();
    try {
      draining = true;
      while (running > 0 && nanos > 0) {
        nanos = whenNone.awaitNanos(nanos);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
    return none();
  }

  private boolean none() {
    lock.lock();
    try {
      return running == 0;
    } finally {
      lock.unlock();
    }
  }
}
