package dev.blip3o.server.limits;

import java.time.Duration;

/** The value of a Retry-After header. */
public final class RetryAfter {
  private RetryAfter() {}

  /** Whole seconds, rounded up, at least 1: a client that comes too early is refused again. */
  public static String header(Duration wait) {
    long seconds = wait.plusSeconds(1).minusNanos(1).toSeconds();
    return Long.toString(Math.max(1, seconds));
  }
}
