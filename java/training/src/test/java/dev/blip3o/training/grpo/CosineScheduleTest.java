package dev.blip3o.training.grpo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CosineScheduleTest {
  @ParameterizedTest
  @CsvSource({"0, 1", "1, 0.75", "2, 0.25", "3, 0", "9, 0"})
  void halfACosine(int step, double share) {
    assertEquals(share * 1e-6, new CosineSchedule(1e-6, 0, 3).at(step), 1e-18);
  }

  @ParameterizedTest
  @CsvSource({"0, 0.25", "1, 0.5", "2, 0.75", "3, 1", "4, 0.5", "5, 0"})
  void aRiseBefore(int step, double share) {
    assertEquals(share, new CosineSchedule(1, 3, 5).at(step), 1e-12);
  }

  @Test
  void rangesAreChecked() {
    assertThrows(IllegalArgumentException.class, () -> new CosineSchedule(0, 0, 5));
    assertThrows(IllegalArgumentException.class, () -> new CosineSchedule(Double.NaN, 0, 5));
    assertThrows(IllegalArgumentException.class, () -> new CosineSchedule(1, 5, 5));
    assertThrows(IllegalArgumentException.class, () -> new CosineSchedule(1, 0, 0));
  }
}
