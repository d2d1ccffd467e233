package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DistributionTest {
  private static Distribution of(long... values) {
    return Distribution.of(LongStream.of(values).boxed().toList());
  }

  /** Values 10, 20, 30, ...: the nearest rank is the value divided by 10. */
  @ParameterizedTest
  @CsvSource({
    "1, 50, 10",
    "1, 99, 10",
    "2, 50, 10",
    "2, 51, 20",
    "3, 50, 20",
    "20, 95, 190",
    "20, 96, 200",
    "99, 99, 990",
    "100, 50, 500",
    "100, 95, 950",
    "100, 99, 990",
    "100, 100, 1000",
    "101, 99, 1000",
    "7, 1, 10"
  })
  void percentilesAreNearestRanks(int count, int percent, long expected) {
    long[] values = LongStream.rangeClosed(1, count).map(i -> 10 * (count + 1 - i)).toArray();
    assertEquals(expected, of(values).percentile(percent));
  }

  @Test
  void meanMedianAndMaximum() {
    Distribution odd = of(7, 1, 4);
    assertEquals(4, odd.mean());
    assertEquals(4, odd.median());
    assertEquals(7, odd.max());
    assertEquals(3, odd.count());
    assertEquals(2.5, of(9, 1, 2, 3).median());
    assertEquals(Long.MAX_VALUE, of(Long.MAX_VALUE, Long.MAX_VALUE).median());
  }

  @Test
  void nothingMeasuredIsEmpty() {
    assertTrue(Distribution.of(List.of()).isEmpty());
    assertFalse(of(0).isEmpty());
  }
}
