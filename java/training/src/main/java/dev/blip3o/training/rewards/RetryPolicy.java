package dev.blip3o.training.rewards;

import java.time.Duration;

/**
 * How often and how long a reward is tried.
 *
 * @param attempts tries for each group, 1 or more
 * @param timeout how long a try may take, waiting behind other groups included; above 0. Rewards
 *     may have shorter limits of their own
 * @param backoff wait before the second try, 0 or more; it doubles from try to try
 */
public record RetryPolicy(int attempts, Duration timeout, Duration backoff) {
  /** 3 tries of at most 5 minutes, 1 and 2 seconds between. */
  public static final RetryPolicy DEFAULT =
      new RetryPolicy(3, Duration.ofMinutes(5), Duration.ofSeconds(1));

  /** At most so many tries: their waits stay numbers. */
  private static final int MAX_ATTEMPTS = 20;

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException if one is left
   */
  public RetryPolicy {
    if (attempts < 1 || attempts > MAX_ATTEMPTS) {
      throw new IllegalArgumentException(
          "attempts must be from 1 to " + MAX_ATTEMPTS + ", but is " + attempts);
    }
    if (timeout.isNegative() || timeout.isZero()) {
      throw new IllegalArgumentException("timeout must be above 0, but is " + timeout);
    }
    if (backoff.isNegative()) {
      throw new IllegalArgumentException("backoff must not be negative, but is " + backoff);
    }
  }

  /** The wait after this many failed tries. */
  Duration backoffAfter(int failures) {
    return backoff.multipliedBy(1L << (failures - 1));
  }
}
