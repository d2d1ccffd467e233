package dev.blip3o.server.limits;

import java.time.Duration;
import java.util.Objects;

/** A client has as many requests under way, or has sent as many, as it may. */
public final class LimitExceededException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Which limit it was. */
  public enum Reason {
    /** As many requests are under way as may be. */
    CONCURRENCY,
    /** As many were sent within a minute as may be. */
    RATE
  }

  private final Reason reason;
  private final Duration retryAfter;

  /** Creates it with one sentence for the client and the time after which to try again. */
  public LimitExceededException(Reason reason, String message, Duration retryAfter) {
    // Refusing has to be cheap: no stack trace.
    super(message, null, false, false);
    this.reason = Objects.requireNonNull(reason, "reason");
    this.retryAfter = Objects.requireNonNull(retryAfter, "retryAfter");
  }

  /** Which limit it was. */
  public Reason reason() {
    return reason;
  }

  /** After this time another request is likely to be taken. */
  public Duration retryAfter() {
    return retryAfter;
  }
}
