package dev.blip3o.cli;

import dev.blip3o.ModelInfo;
import dev.blip3o.PictureSettings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * The image tokens of an earlier picture: from a PNG that blip3o wrote, or from a safetensors file,
 * for example of {@code blip3o trace}.
 */
final class TokensFile {
  private static final String TOKENS = "tokens";
  private static final byte[] PNG_BEGIN = {(byte) 0x89, 'P', 'N', 'G'};

  /** Where the header's JSON begins: after its length. */
  private static final int SAFETENSORS_BRACE = Long.BYTES;

  private TokensFile() {}

  /**
   * The image tokens {@code [N]}, without offset.
   *
   * @throws CliException if the file can't be read or holds no tokens
   */
  static int[] read(Path file) {
    LongStream tokens = beginsAsPng(file) ? ofPng(file) : ofSafetensors(file);
    try {
      return tokens.mapToInt(Math::toIntExact).toArray();
    } catch (ArithmeticException e) {
      throw new CliException(file + ": '" + TOKENS + "' holds a number that is no image token", e);
    }
  }

  private static boolean beginsAsPng(Path file) {
    if (Files.isDirectory(file)) {
      throw new CliException(
          file + ": expected a PNG or a safetensors file, but it is a directory");
    }
    byte[] begin;
    try (InputStream in = Files.newInputStream(file)) {
      begin = in.readNBytes(SAFETENSORS_BRACE + 1);
    } catch (IOException e) {
      throw new CliException(ReadFailure.sentence(file, e), e);
    }
    if (begin.length >= PNG_BEGIN.length
        && Arrays.equals(Arrays.copyOf(begin, PNG_BEGIN.length), PNG_BEGIN)) {
      return true;
    }
    if (begin.length <= SAFETENSORS_BRACE || begin[SAFETENSORS_BRACE] != '{') {
      throw new CliException(
          file
              + ": is neither a PNG that blip3o wrote nor a safetensors file; other files hold no"
              + " image tokens");
    }
    return false;
  }

  private static LongStream ofSafetensors(Path file) {
    return LongStream.of(Safetensors.read(file).i64(TOKENS, 1).longs());
  }

  /**
   * Checks that a checkpoint knows the tokens of a file.
   *
   * @throws CliException if it draws another number of tokens, or others
   */
  static void check(Path file, int[] tokens, ModelInfo info) {
    if (tokens.length != info.imageTokens()) {
      throw ofAnother(
          String.format(
              Locale.ROOT,
              "%s: holds %s, but a picture of this checkpoint has %d",
              file,
              Text.plural(tokens.length, "image token"),
              info.imageTokens()));
    }
    for (int token : tokens) {
      if (token < 0 || token >= info.imageCodes()) {
        throw ofAnother(
            String.format(
                Locale.ROOT,
                "%s: holds the image token %d, but those of this checkpoint are 0 to %d",
                file,
                token,
                info.imageCodes() - 1));
      }
    }
  }

  private static CliException ofAnother(String sentence) {
    return new CliException(sentence + "; give a picture of the same checkpoint");
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
