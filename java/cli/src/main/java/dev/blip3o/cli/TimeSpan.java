package dev.blip3o.cli;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A length of time, written as {@code 500ms}, {@code 30s}, {@code 1.5m} or {@code 1h}; a number
 * alone is in seconds.
 *
 * @param duration zero or more
 */
public record TimeSpan(Duration duration) {
  private static final Pattern FORM =
      Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)\\s*(ms|s|m|h|d|)");
  private static final Map<String, Long> NANOS =
      Map.of(
          "ms", Duration.ofMillis(1).toNanos(),
          "", Duration.ofSeconds(1).toNanos(),
          "s", Duration.ofSeconds(1).toNanos(),
          "m", Duration.ofMinutes(1).toNanos(),
          "h", Duration.ofHours(1).toNanos(),
          "d", Duration.ofDays(1).toNanos());
  private static final BigDecimal NANOS_PER_SECOND = BigDecimal.valueOf(1_000_000_000);

  /** Parses the words of the command line. */
  public static final class Converter implements ITypeConverter<TimeSpan> {
    @Override
    public TimeSpan convert(String word) {
      Matcher form = FORM.matcher(word.strip().toLowerCase(Locale.ROOT));
      if (!form.matches()) {
        throw new TypeConversionException(
            "'"
                + Text.oneLine(word)
                + "' is no length of time: expected a number with ms, s, m, h or d, for example"
                + " 30s");
      }
      BigDecimal nanos =
          new BigDecimal(form.group(1)).multiply(BigDecimal.valueOf(NANOS.get(form.group(2))));
      BigDecimal[] parts = nanos.divideAndRemainder(NANOS_PER_SECOND);
      return new TimeSpan(Duration.ofSeconds(parts[0].longValueExact(), parts[1].longValue()));
    }
  }
}
