package dev.blip3o.cli;

import java.time.Duration;
import java.util.Locale;

/** How numbers and foreign text look in the output. */
public final class Text {
  private static final double NANOS_PER_SECOND = 1e9;

  private Text() {}

  /** {@code 0.123 s}. */
  public static String seconds(Duration duration) {
    return seconds(duration.toNanos());
  }

  /** {@code 0.123 s}. */
  public static String seconds(long nanos) {
    return String.format(Locale.ROOT, "%.3f s", nanos / NANOS_PER_SECOND);
  }

  /** {@code 512 B}, {@code 10.1 MiB}. */
  public static String bytes(long bytes) {
    if (bytes < 1024) {
      return bytes + " B";
    }
    String[] units = {"KiB", "MiB", "GiB", "TiB"};
    double value = bytes / 1024.0;
    int unit = 0;
    while (value >= 1024 && unit < units.length - 1) {
      value /= 1024;
      unit++;
    }
    return String.format(Locale.ROOT, "%.1f %s", value, units[unit]);
  }

  /** {@code 1,234,567}. */
  public static String count(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }

  /** {@code 1 picture}, {@code 2 pictures}. */
  public static String plural(long count, String noun) {
    return count(count) + " " + noun + (count == 1 ? "" : "s");
  }

  /** The text without line breaks and control characters, which could draw over the terminal. */
  public static String oneLine(String text) {
    StringBuilder line = new StringBuilder(text.length());
    text.codePoints()
        .map(c -> Character.isISOControl(c) || c == 0x2028 || c == 0x2029 ? ' ' : c)
        .forEach(line::appendCodePoint);
    return line.toString().strip();
  }
}
