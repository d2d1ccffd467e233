package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class TimeSpanTest {
  private static Duration parse(String word) {
    return new TimeSpan.Converter().convert(word).duration();
  }

  @ParameterizedTest
  @CsvSource({
    "30, PT30S",
    "30s, PT30S",
    "1.5m, PT1M30S",
    "2 h, PT2H",
    "500MS, PT0.5S",
    "0.000000001, PT0.000000001S",
    "1d, PT24H",
    "999999999d, PT23999999976H",
    "0, PT0S"
  })
  void lengthsOfTime(String word, Duration expected) {
    assertEquals(expected, parse(word));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "s", "-1s", "1 week", "1e3", "1.s", "9999999999s", "PT1S"})
  void whatIsNone(String word) {
    assertThrows(TypeConversionException.class, () -> parse(word));
  }
}
