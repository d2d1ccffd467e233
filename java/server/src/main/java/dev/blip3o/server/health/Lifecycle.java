package dev.blip3o.server.health;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The life of a server: starting, ready, draining, ended. A lost device is a drain too, one that
 * ends with {@link End#DEVICE_LOST}.
 *
 * <p>Threads: safe for use by any thread. What hangs on the futures runs on the thread that
 * completes them: it must not wait.
 */
public final class Lifecycle {
  private final CompletableFuture<End> ending = new CompletableFuture<>();
  private final CompletableFuture<Void> drained = new CompletableFuture<>();
  private final CompletableFuture<End> ended = new CompletableFuture<>();

  private Health health = Health.STARTING;
  private int running;

  /** How the server is. */
  public synchronized Health health() {
    return health;
  }

  /** How many requests are under way. */
  public synchronized int running() {
    return running;
  }

  /** The model is open: from now on there may be work, unless the end has begun already. */
  public synchronized void ready() {
    if (health == Health.STARTING) {
      health = Health.READY;
    }
  }

  /**
   * Begins a request.
   *
   * @return to be closed when the request has ended, its answer included; empty if the server takes
   *     none: {@link #health} says why
   */
  public synchronized Optional<Work> begin() {
    if (health != Health.READY) {
      return Optional.empty();
    }
    running++;
    return Optional.of(new Work(this::finish));
  }

  private void finish() {
    boolean last;
    synchronized (this) {
      running--;
      last = running == 0 && health != Health.READY;
    }
    if (last) {
      drained.complete(null);
    }
  }

  /** Takes no more work. A second call has no effect. */
  public void drain() {
    leave(Health.DRAINING, End.CLOSED);
  }

  /** The device was lost: takes no more work, and is not healthy. A second call has no effect. */
  public void deviceLost() {
    leave(Health.DEVICE_LOST, End.DEVICE_LOST);
  }

  private void leave(Health next, End reason) {
    boolean idle;
    synchronized (this) {
      // A device may be lost while the server drains; what is lost stays lost.
      boolean later = health == Health.CLOSED || health == Health.DEVICE_LOST || health == next;
      if (later) {
        return;
      }
      health = next;
      idle = running == 0;
    }
    ending.complete(reason);
    if (idle) {
      drained.complete(null);
    }
  }

  /** The server has let go of everything: completes {@link #ended}. A second call has no effect. */
  public void closed() {
    drain();
    End reason;
    synchronized (this) {
      reason = health == Health.DEVICE_LOST ? End.DEVICE_LOST : ending.join();
      health = Health.CLOSED;
    }
    drained.complete(null);
    ended.complete(reason);
  }

  /** Completes as soon as the server takes no more work, with the reason. */
  public CompletableFuture<End> ending() {
    return ending.copy();
  }

  /** Completes when the server takes no more work and no request is under way. */
  public CompletableFuture<Void> drained() {
    return drained.copy();
  }

  /** Completes when the server has ended, with the reason. */
  public CompletableFuture<End> ended() {
    return ended.copy();
  }
}
