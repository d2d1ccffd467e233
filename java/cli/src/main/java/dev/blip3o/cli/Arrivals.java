package dev.blip3o.cli;

import java.util.SplittableRandom;

/** When requests arrive that know nothing of each other: a Poisson process. */
final class Arrivals {
  private static final double NANOS_PER_SECOND = 1e9;

  private Arrivals() {}

  /**
   * Arrival times. The gaps are independent and exponential, -ln(1 - u) / rate with u uniform in
   * [0, 1); equal arguments give equal times on every machine.
   *
   * @param rate requests a second on average, above 0
   * @return nanoseconds from the beginning, ascending
   */
  static long[] poisson(long seed, double rate, int count) {
    SplittableRandom random = new SplittableRandom(seed);
    long[] times = new long[count];
    double seconds = 0;
    for (int i = 0; i < count; i++) {
      // StrictMath: Math.log may differ in its last bit.
      seconds -= StrictMath.log(1 - random.nextDouble()) / rate;
      times[i] = Math.round(seconds * NANOS_PER_SECOND);
    }
    return times;
  }
}
