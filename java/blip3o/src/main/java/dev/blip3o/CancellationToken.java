package dev.blip3o;

/**
 * Asks running work to stop. One token may be given to several calls; once cancelled it stays so.
 *
 * <p>Safe for use by any thread. A call that was given the token ends with {@link
 * GenerationCancelledException} within about 50 ms plus one token, one step or one part of the
 * decoder.
 */
public final class CancellationToken {
  private volatile boolean cancelled;

  /** Creates a token that is not cancelled. */
  public CancellationToken() {}

  /** Cancels. A second call has no effect. */
  public void cancel() {
    cancelled = true;
  }

  /** Whether {@link #cancel} was called. */
  public boolean isCancelled() {
    return cancelled;
  }
}
