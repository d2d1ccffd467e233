package dev.blip3o.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** A file with one prompt a line, in UTF-8; blank lines don't count. */
final class PromptFile {
  private static final long MAX_BYTES = 64L << 20;
  private static final String BYTE_ORDER_MARK = "\uFEFF";

  private PromptFile() {}

  /**
   * The prompts, in order.
   *
   * @throws UsageException if there is no such file, it is no UTF-8 text or holds no prompt
   */
  static List<String> read(Path file) {
    String text = decode(file, bytes(file));
    if (text.startsWith(BYTE_ORDER_MARK)) {
      text = text.substring(BYTE_ORDER_MARK.length());
    }
    List<String> prompts = text.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
    if (prompts.isEmpty()) {
      throw new UsageException(
          "the prompts file " + file + " holds no prompt: expected one on each line");
    }
    return prompts;
  }

  private static byte[] bytes(Path file) {
    try {
      if (Files.isDirectory(file)) {
        throw new UsageException("the prompts file " + file + " is a directory");
      }
      if (Files.size(file) > MAX_BYTES) {
        throw new UsageException(
            "the prompts file " + file + " has more than " + Text.bytes(MAX_BYTES));
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new UsageException("there is no prompts file " + file, e);
    } catch (IOException e) {
      throw new CliException("the prompts file " + ReadFailure.sentence(file, e), e);
    }
  }

  private static String decode(Path file, byte[] bytes) {
    ByteBuffer input = ByteBuffer.wrap(bytes);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(input).toString();
    } catch (CharacterCodingException e) {
      int line = 1;
      for (int i = 0; i < input.position(); i++) {
        line += bytes[i] == '\n' ? 1 : 0;
      }
      throw new UsageException(
          "the prompts file "
              + file
              + " is no UTF-8 text: line "
              + line
              + " holds byte 0x"
              + Integer.toHexString(bytes[input.position()] & 0xFF)
              + " where a character should be",
          e);
    }
  }
}
