package dev.blip3o;

import dev.blip3o.internal.FileErrors;
import dev.blip3o.internal.PngTextReader;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/** How a picture came to be, as {@link GeneratedImage#writePng} noted it in the file. */
public final class PictureSettings {
  private PictureSettings() {}

  /**
   * The text chunks of a PNG: keyword to text, in the order of the file. For a PNG of this library
   * they are {@link GeneratedImage#settings}; for another one whatever its maker wrote.
   *
   * @throws InputImageException if the file can't be read or is no whole PNG
   */
  public static Map<String, String> readPng(Path file) {
    Objects.requireNonNull(file, "file");
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      return PngTextReader.read(in);
    } catch (IOException e) {
      throw new InputImageException(
          FileErrors.sentence(file, e, "a PNG file").orElseGet(() -> notSettings(file, e)), e);
    }
  }

  private static String notSettings(Path file, IOException e) {
    String reason = e.getMessage() == null ? "it is truncated" : e.getMessage();
    return file + ": its settings can't be read as those of a PNG: " + reason;
  }
}
