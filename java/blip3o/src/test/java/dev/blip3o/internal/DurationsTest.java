package dev.blip3o.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class DurationsTest {
  @Test
  void millisecondsAreRoundedUp() {
    assertEquals(0, Durations.millis(Duration.ZERO));
    assertEquals(1, Durations.millis(Duration.ofNanos(1)));
    assertEquals(1, Durations.millis(Duration.ofMillis(1)));
    assertEquals(2, Durations.millis(Duration.ofNanos(1_000_001)));
    assertEquals(1500, Durations.millis(Duration.ofMillis(1500)));
  }

  @Test
  void secondsAreKeptToTheNanosecond() {
    assertEquals(Duration.ofNanos(1_500_000_001), Durations.ofSeconds(1.500000001));
    assertEquals(Duration.ZERO, Durations.ofSeconds(0));
  }
}
