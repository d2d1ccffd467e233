package dev.blip3o.server.limits;

import java.time.Duration;

/**
 * How many requests may come: a bucket that holds a minute's worth and is filled evenly. Not safe
 * for use by several threads at once.
 */
final class TokenBucket {
  private static final double NANOS_PER_MINUTE = 60e9;

  private final int perMinute;
  private double tokens;
  private long filledNanos;

  /** A full bucket. */
  TokenBucket(int perMinute, long nowNanos) {
    this.perMinute = perMinute;
    this.tokens = perMinute;
    this.filledNanos = nowNanos;
  }

  /** Takes one token; false if there is none. */
  boolean take(long nowNanos) {
    fill(nowNanos);
    if (tokens < 1) {
      return false;
    }
    tokens -= 1;
    return true;
  }

  /** How long until there is one to take; zero if there is. */
  Duration untilNext(long nowNanos) {
    fill(nowNanos);
    return Duration.ofNanos(
        (long) Math.ceil(Math.max(0, 1 - tokens) * NANOS_PER_MINUTE / perMinute));
  }

  boolean full(long nowNanos) {
    fill(nowNanos);
    return tokens >= perMinute;
  }

  private void fill(long nowNanos) {
    double earned = (nowNanos - filledNanos) * perMinute / NANOS_PER_MINUTE;
    tokens = Math.min(perMinute, tokens + earned);
    filledNanos = nowNanos;
  }
}
