package dev.blip3o.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Parses a seed: 64 bits, written without a sign. */
public final class SeedConverter implements ITypeConverter<Long> {
  @Override
  public Long convert(String word) {
    try {
      return Long.parseUnsignedLong(word);
    } catch (NumberFormatException e) {
      throw new TypeConversionException(
          "'" + word + "' is no seed: expected a whole number from 0 to 18446744073709551615");
    }
  }
}
