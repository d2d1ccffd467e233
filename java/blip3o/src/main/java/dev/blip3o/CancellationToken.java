package dev.blip3o;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Asks running work to stop. One token may be given to several calls; once cancelled it stays so.
 *
 * <p>Safe for use by any thread. A call that was given the token ends at once with {@link
 * GenerationCancelledException}; the work behind it stops within one token, one step, one layer of
 * a prefill or one part of an autoencoder.
 */
public final class CancellationToken {
  private final Set<Runnable> listeners = new LinkedHashSet<>();
  private boolean cancelled;

  /** Creates a token that is not cancelled. */
  public CancellationToken() {}

  /** Cancels. A second call has no effect. */
  public void cancel() {
    List<Runnable> waiting;
    synchronized (listeners) {
      cancelled = true;
      waiting = new ArrayList<>(listeners);
      listeners.clear();
    }
    waiting.forEach(Runnable::run);
  }

  /** Whether {@link #cancel} was called. */
  public boolean isCancelled() {
    synchronized (listeners) {
      return cancelled;
    }
  }

  /** Runs {@code listener} when the token is cancelled, or now if it is; it must be brief. */
  void listen(Runnable listener) {
    synchronized (listeners) {
      if (!cancelled) {
        listeners.add(listener);
        return;
      }
    }
    listener.run();
  }

  /** Undoes {@link #listen}. */
  void ignore(Runnable listener) {
    synchronized (listeners) {
      listeners.remove(listener);
    }
  }
}
