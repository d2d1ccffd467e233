package dev.blip3o;

import java.time.Duration;
import java.util.Objects;

/**
 * As many requests wait in the model as may: {@link ModelOptions#queueLimit}. The request was not
 * taken; try again after {@link #retryAfter}, or tell the client to.
 */
public final class QueueFullException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  private final Duration retryAfter;

  /** Creates it with one sentence and the time after which a place is likely to be free. */
  public QueueFullException(String message, Duration retryAfter) {
    super(message);
    this.retryAfter = Objects.requireNonNull(retryAfter, "retryAfter");
  }

  /** After this time a place is likely to be free; an estimate, in whole milliseconds. */
  public Duration retryAfter() {
    return retryAfter;
  }
}
