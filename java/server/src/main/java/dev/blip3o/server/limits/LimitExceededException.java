package dev.blip3o.server.limits;

import java.time.Duration;
import java.util.Objects;

/** A client has as many requests under way, or has sent as many, as it may. */
public final class LimitExceededException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Duration retryAfter;

  /** Creates it with one sentence for the client and the time after which to try again. */
  public LimitExceededException(String message, Duration retryAfter) {
    // Refusing has to be cheap: no stack trace.
    super(message, null, false, false);
    this.retryAfter = Objects.requireNonNull(retryAfter, "retryAfter");
  }

  /** After this time another request is likely to be taken. */
  public Duration retryAfter() {
    return retryAfter;
  }
}
