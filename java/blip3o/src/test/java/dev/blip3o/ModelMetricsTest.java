package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ModelMetricsTest {
  private static ModelMetrics metrics(long count, Duration time) {
    Duration zero = Duration.ZERO;
    return new ModelMetrics(
        true, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, time, count, time, count, 7 * count, count, 0, 0,
        0, 0, 0, zero, zero, zero, zero, zero, zero);
  }

  @Test
  void meansAreSumsByTheirCounts() {
    ModelMetrics metrics = metrics(4, Duration.ofSeconds(6));
    assertEquals(Duration.ofMillis(1500), metrics.meanQueueTime());
    assertEquals(Duration.ofMillis(1500), metrics.meanTimeToFirstToken());
    assertEquals(7, metrics.tokenBatchOccupancy());
  }

  @Test
  void meansOfNothingAreZero() {
    ModelMetrics metrics = metrics(0, Duration.ZERO);
    assertEquals(Duration.ZERO, metrics.meanQueueTime());
    assertEquals(Duration.ZERO, metrics.meanTimeToFirstToken());
    assertEquals(0, metrics.tokenBatchOccupancy());
  }
}
