package dev.blip3o.cli;

import java.util.Locale;
import java.util.logging.Level;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Parses how much is logged. */
final class LogLevelConverter implements ITypeConverter<Level> {
  @Override
  public Level convert(String word) {
    return switch (word.toLowerCase(Locale.ROOT)) {
      case "error" -> Level.SEVERE;
      case "warn" -> Level.WARNING;
      case "info" -> Level.INFO;
      case "debug" -> Level.FINE;
      default ->
          throw new TypeConversionException(
              "'" + Text.oneLine(word) + "' is none of error, warn, info and debug");
    };
  }
}
