package dev.blip3o.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Parses the name of a file or directory; an empty one would be the working directory. */
final class PathConverter implements ITypeConverter<Path> {
  @Override
  public Path convert(String word) {
    if (word.isEmpty()) {
      throw new TypeConversionException("it is empty, but has to be a name");
    }
    try {
      return Path.of(word);
    } catch (InvalidPathException e) {
      throw new TypeConversionException("'" + Text.oneLine(word) + "' is no name of a file");
    }
  }
}
