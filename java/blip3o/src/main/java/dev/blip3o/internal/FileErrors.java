package dev.blip3o.internal;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/** Why a file can't be opened: the exceptions of {@link Files} say it in their types. */
public final class FileErrors {
  private FileErrors() {}

  /**
   * The whole sentence; empty where the exception tells more than the file does.
   *
   * @param needed what is needed in its place, for example {@code "a picture file"}
   */
  public static Optional<String> sentence(Path file, IOException e, String needed) {
    if (e instanceof NoSuchFileException) {
      return Optional.of(file + ": there is no such file");
    }
    if (Files.isDirectory(file)) {
      return Optional.of(file + " is a directory, but " + needed + " is needed");
    }
    if (e instanceof AccessDeniedException) {
      return Optional.of(file + ": no permission to read it");
    }
    return Optional.empty();
  }
}
