package dev.blip3o.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** The words of the command line as the user typed them. */
final class Arguments {
  private static final Path RAW = Path.of("/proc/self/cmdline");
  private static final char REPLACEMENT = '\uFFFD';

  private Arguments() {}

  /**
   * The words, read anew as UTF-8 where the JVM could not decode them: in the plain POSIX locale it
   * replaces every byte of a prompt that is not ASCII.
   */
  static String[] decoded(String[] args) {
    boolean damaged = Arrays.stream(args).anyMatch(word -> word.indexOf(REPLACEMENT) >= 0);
    if (!damaged || !Files.isReadable(RAW)) {
      return args;
    }
    try {
      return lastWords(Files.readAllBytes(RAW), args);
    } catch (IOException e) {
      return args;
    }
  }

  /**
   * The last {@code args.length} words of a NUL-separated command line, or {@code args} if they
   * don't match.
   */
  static String[] lastWords(byte[] commandLine, String[] args) {
    String text = new String(commandLine, StandardCharsets.UTF_8);
    List<String> words = Arrays.asList(text.split("\0", -1));
    // The text ends in a NUL, so the split's last word is not one.
    int end = words.size() - 1;
    if (end < args.length) {
      return args;
    }
    return words.subList(end - args.length, end).toArray(String[]::new);
  }
}
