package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

/** Words in and words out: sizes, numbers, foreign text, arguments. */
class TextTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "4096, 4096",
    "1k, 1024",
    "800M, 838860800",
    "12G, 12884901888",
    "1.5GiB, 1610612736",
    "2 tb, 2199023255552",
    "7B, 7",
    "0.5, 0"
  })
  void sizesAreRead(String word, long bytes) {
    assertEquals(bytes, new ByteSize.Converter().convert(word).bytes());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "G", "-1", "1X", "1e3", "99999999999999999999T", "1GG"})
  void otherSizesAreRefused(String word) {
    assertThrows(TypeConversionException.class, () -> new ByteSize.Converter().convert(word));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "1023, 1023 B",
    "1024, 1.0 KiB",
    "10643046, 10.1 MiB",
    "8589934592, 8.0 GiB"
  })
  void sizesAreWritten(long bytes, String text) {
    assertEquals(text, Text.bytes(bytes));
  }

  @Test
  void numbersAreWritten() {
    assertEquals("1 picture", Text.plural(1, "picture"));
    assertEquals("1,200 pictures", Text.plural(1200, "picture"));
    assertEquals("0.012 s", Text.seconds(Duration.ofMillis(12)));
  }

  @Test
  void foreignTextCannotDrawOverTheTerminal() {
    assertEquals("a [31mb c", Text.oneLine("a\u001B[31mb\nc\r\n"));
    assertEquals("Äpfel 🍎", Text.oneLine("Äpfel 🍎"));
  }

  @Test
  void argumentsAreReadAnewAsUtf8() {
    byte[] raw = "java\0-cp\0x\0Main\0generate\0zwei Äpfel\0".getBytes(StandardCharsets.UTF_8);
    String[] damaged = {"generate", "zwei \uFFFD\uFFFDpfel"};
    assertArrayEquals(new String[] {"generate", "zwei Äpfel"}, Arguments.lastWords(raw, damaged));
    assertSame(damaged, Arguments.lastWords(new byte[0], damaged));
    String[] whole = {"generate", "zwei Äpfel"};
    assertSame(whole, Arguments.decoded(whole));
  }

  @Test
  void theAgeOfTheProcessIsReadFromProc() {
    String stat = "17 (a (b) c) S 1 17 17 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 123456 9";
    assertEquals(Duration.ofMillis(1_230), ProcessClock.age(stat, "1235.79 99.5\n"));
    Duration age = ProcessClock.age();
    assertTrue(!age.isNegative() && age.compareTo(Duration.ofHours(1)) < 0, age.toString());
  }
}
