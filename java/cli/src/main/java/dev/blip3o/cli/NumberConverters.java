package dev.blip3o.cli;

import picocli.CommandLine;
import picocli.CommandLine.TypeConversionException;

/** Parses numbers; the messages are for people who never heard of a double. */
final class NumberConverters {
  private NumberConverters() {}

  /** Has a command and those below it use them. */
  static void register(CommandLine command) {
    command
        .registerConverter(int.class, NumberConverters::whole)
        .registerConverter(Integer.class, NumberConverters::whole)
        .registerConverter(long.class, NumberConverters::longWhole)
        .registerConverter(Double.class, NumberConverters::number)
        .registerConverter(double.class, NumberConverters::number);
  }

  private static Integer whole(String word) {
    try {
      return Integer.valueOf(word);
    } catch (NumberFormatException e) {
      throw noWhole(word);
    }
  }

  private static Long longWhole(String word) {
    try {
      return Long.valueOf(word);
    } catch (NumberFormatException e) {
      throw noWhole(word);
    }
  }

  private static TypeConversionException noWhole(String word) {
    return new TypeConversionException("'" + word + "' is no whole number that can be used");
  }

  private static Double number(String word) {
    try {
      return Double.valueOf(word);
    } catch (NumberFormatException e) {
      throw new TypeConversionException("'" + word + "' is not a number");
    }
  }
}
