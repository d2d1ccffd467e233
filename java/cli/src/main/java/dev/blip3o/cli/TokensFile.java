package dev.blip3o.cli;

import dev.blip3o.PictureSettings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * The image tokens of an earlier picture: from a PNG that blip3o wrote, or from a safetensors file,
 * for example of {@code blip3o trace}.
 */
final class TokensFile {
  private static final String TOKENS = "tokens";
  private static final byte[] PNG_BEGIN = {(byte) 0x89, 'P', 'N', 'G'};

  private TokensFile() {}

  /**
   * The image tokens {@code [N]}, without offset.
   *
   * @throws CliException if the file can't be read or holds no tokens
   */
  static int[] read(Path file) {
    LongStream tokens =
        isPng(file) ? ofPng(file) : LongStream.of(Safetensors.read(file).i64(TOKENS, 1).longs());
    try {
      return tokens.mapToInt(Math::toIntExact).toArray();
    } catch (ArithmeticException e) {
      throw new CliException(file + ": '" + TOKENS + "' holds a number that is no image token", e);
    }
  }

  private static boolean isPng(Path file) {
    if (Files.isDirectory(file)) {
      throw new CliException(
          file + ": expected a PNG or a safetensors file, but it is a directory");
    }
    try (InputStream in = Files.newInputStream(file)) {
      return Arrays.equals(in.readNBytes(PNG_BEGIN.length), PNG_BEGIN);
    } catch (NoSuchFileException e) {
      throw new CliException(file + ": there is no such file", e);
    } catch (IOException e) {
      throw new CliException(file + ": can't be read: " + e.getMessage(), e);
    }
  }

  private static LongStream ofPng(Path file) {
    String text = PictureSettings.readPng(file).get(TOKENS);
    if (text == null) {
      throw new CliException(
          file
              + ": the PNG holds no text '"
              + TOKENS
              + "': only a picture as blip3o wrote it has its image tokens; give that one");
    }
    try {
      // All at once, so that a wrong number is found here.
      return LongStream.of(Stream.of(text.split(",", -1)).mapToLong(Long::parseLong).toArray());
    } catch (NumberFormatException e) {
      throw new CliException(
          file + ": the text '" + TOKENS + "' must be numbers with commas between, but is not", e);
    }
  }
}
