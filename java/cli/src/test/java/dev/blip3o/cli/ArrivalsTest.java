package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ArrivalsTest {
  /** From SplitMix64 and the logarithm of another language. */
  @Test
  void timesAreThoseOfTheSeed() {
    assertArrayEquals(
        new long[] {418002767L, 1102783846L, 2873061049L, 3166877682L, 3460609272L},
        Arrivals.poisson(1, 2, 5));
    assertArrayEquals(
        new long[] {928288L, 9082521L, 30495805L, 49295171L, 60850549L},
        Arrivals.poisson(-5, 100, 5));
    assertEquals(0, Arrivals.poisson(1, 2, 0).length);
  }

  @Test
  void aHigherRateIsTheSameInLessTime() {
    long[] slow = Arrivals.poisson(3, 1, 100);
    long[] fast = Arrivals.poisson(3, 10, 100);
    for (int i = 0; i < slow.length; i++) {
      assertEquals(slow[i] / 10.0, fast[i], 1);
    }
  }

  /** The gaps of a Poisson process: mean and deviation are 1 / rate, and few are near the mean. */
  @Test
  void gapsAreExponential() {
    int count = 100_000;
    double rate = 50;
    long[] times = Arrivals.poisson(17, rate, count);
    double[] gaps = new double[count];
    for (int i = 0; i < count; i++) {
      gaps[i] = (times[i] - (i == 0 ? 0 : times[i - 1])) / 1e9 * rate;
      assertTrue(gaps[i] >= 0);
    }
    // Five standard errors: of a mean 1 / sqrt(count), of a variance sqrt(8 / count).
    double mean = Arrays.stream(gaps).average().orElseThrow();
    assertEquals(1, mean, 5 / Math.sqrt(count));
    double variance = Arrays.stream(gaps).map(gap -> (gap - mean) * (gap - mean)).sum() / count;
    assertEquals(1, variance, 5 * Math.sqrt(8.0 / count));
    double above = (double) Arrays.stream(gaps).filter(gap -> gap > 2).count() / count;
    assertEquals(Math.exp(-2), above, 5 * Math.sqrt(Math.exp(-2) / count));
  }
}
