package dev.blip3o.training.prompts;

import dev.blip3o.InvalidRequestException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * A file of prompts in UTF-8, one a line:
 *
 * <pre>
 * # a comment
 * a red circle above a blue square
 * {"prompt": "a shop with a sign", "text": "OPEN"}
 * </pre>
 *
 * <p>Blank lines and lines that begin with {@code #} don't count; space around a prompt is dropped.
 * A line that begins with <code>{</code> is a JSON object with {@code prompt} and further fields of
 * strings, numbers or booleans, which rewards see. A prompt that itself begins with {@code #} or
 * <code>{</code> is written as such an object.
 */
public final class PromptsFile {
  private static final long MAX_BYTES = 256L << 20;
  private static final String BYTE_ORDER_MARK = "\uFEFF";

  private PromptsFile() {}

  /**
   * The prompts, in order.
   *
   * @param check what the model says of each prompt
   * @throws PromptsFileException if the file can't be read, is no UTF-8 text, holds no prompt, or a
   *     line is malformed or refused by {@code check}
   */
  public static List<TrainingPrompt> read(Path file, PromptCheck check) {
    String text = decode(file, bytes(file));
    if (text.startsWith(BYTE_ORDER_MARK)) {
      text = text.substring(BYTE_ORDER_MARK.length());
    }
    List<TrainingPrompt> prompts = new ArrayList<>();
    int number = 0;
    for (String line : (Iterable<String>) text.lines().map(String::strip)::iterator) {
      number++;
      if (!line.isEmpty() && !line.startsWith("#")) {
        prompts.add(prompt(file, number, line, check));
      }
    }
    if (prompts.isEmpty()) {
      throw new PromptsFileException(
          file + " holds no prompt: expected one on each line, found only blank lines or comments");
    }
    return List.copyOf(prompts);
  }

  /** Tells lists of prompts apart: the SHA-256 of all of their text, 64 hexadecimal digits. */
  public static String fingerprint(List<TrainingPrompt> prompts) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (TrainingPrompt prompt : prompts) {
        digest.update((prompt.text() + prompt.fields() + "\n").getBytes(StandardCharsets.UTF_8));
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static TrainingPrompt prompt(Path file, int number, String line, PromptCheck check) {
    try {
      TrainingPrompt prompt =
          line.startsWith("{") ? PromptLine.parse(line) : TrainingPrompt.of(line);
      check.check(prompt.text());
      return prompt;
    } catch (InvalidRequestException | IllegalArgumentException e) {
      throw new PromptsFileException(file + ", line " + number + ": " + e.getMessage(), e);
    }
  }

  private static byte[] bytes(Path file) {
    try {
      if (Files.isDirectory(file)) {
        throw new PromptsFileException(file + " is a directory, but a file of prompts is needed");
      }
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw new PromptsFileException(
            file + " has " + size + " bytes, but a file of prompts may have " + MAX_BYTES);
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new PromptsFileException("there is no prompts file " + file, e);
    } catch (AccessDeniedException e) {
      throw new PromptsFileException(file + ": no permission to read it", e);
    } catch (IOException e) {
      throw new PromptsFileException(file + ": can't be read: " + e.getMessage(), e);
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
      throw new PromptsFileException(
          String.format(
              "%s, line %d: expected UTF-8 text, but found the byte 0x%02X where a character should"
                  + " begin; save the file as UTF-8",
              file, line, bytes[input.position()] & 0xFF),
          e);
    }
  }
}
