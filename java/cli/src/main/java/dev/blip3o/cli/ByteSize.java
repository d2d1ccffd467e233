package dev.blip3o.cli;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A number of bytes, written as {@code 4096}, {@code 800M} or {@code 1.5GiB}; the units are powers
 * of 1024.
 *
 * @param bytes 0 or more
 */
record ByteSize(long bytes) {
  private static final Pattern FORM = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([kmgt]?)(?:i?b)?");
  private static final Map<String, Integer> SHIFTS =
      Map.of("", 0, "k", 10, "m", 20, "g", 30, "t", 40);

  /** Parses the words of the command line. */
  static final class Converter implements ITypeConverter<ByteSize> {
    @Override
    public ByteSize convert(String word) {
      Matcher form = FORM.matcher(word.strip().toLowerCase(Locale.ROOT));
      if (!form.matches()) {
        throw new TypeConversionException(
            "'" + word + "' is no size: expected a number with K, M, G or T, for example 12G");
      }
      BigDecimal unit = BigDecimal.valueOf(1L << SHIFTS.get(form.group(2)));
      BigDecimal bytes = new BigDecimal(form.group(1)).multiply(unit);
      if (bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
        throw new TypeConversionException("'" + word + "' is more than any machine has");
      }
      return new ByteSize(bytes.longValue());
    }
  }
}
