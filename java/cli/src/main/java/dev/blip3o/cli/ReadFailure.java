package dev.blip3o.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Why a file could not be read, in words: the exceptions' own are often no more than its name. */
final class ReadFailure {
  private ReadFailure() {}

  /** One sentence that begins with the file's name. */
  static String sentence(Path file, IOException e) {
    if (e instanceof NoSuchFileException) {
      return file + ": there is no such file";
    }
    if (e instanceof AccessDeniedException) {
      return file + ": no permission to read it";
    }
    return file + ": can't be read: " + e.getMessage();
  }
}
