package dev.blip3o.cli;

import java.nio.file.Path;
import java.util.List;

/** What a command calls its texts, and where it takes them from. */
enum PromptKind {
  /** Says what a picture shows. */
  PROMPT("a prompt", "the prompt", "what the picture shows"),
  /** Says what to change in a picture. */
  INSTRUCTION("an instruction", "the instruction", "what to change");

  private final String one;
  private final String the;
  private final String content;

  PromptKind(String one, String the, String content) {
    this.one = one;
    this.the = the;
    this.content = content;
  }

  /**
   * The texts of a run: the one of the command line, or the lines of a file.
   *
   * @param words what stands on the command line beside the options
   * @param file the file of {@code --prompts}, or null
   * @throws UsageException if there is none, or there are both
   */
  List<String> texts(List<String> words, Path file) {
    if (file != null && !words.isEmpty()) {
      throw new UsageException("give " + one + " or --prompts FILE, not both");
    }
    if (file != null) {
      return PromptFile.read(file);
    }
    if (words.isEmpty()) {
      throw new UsageException(one + " is missing: say in quotes " + content);
    }
    if (words.size() > 1) {
      throw new UsageException(
          the
              + " has to be one word of the command line: put quotes around \""
              + String.join(" ", words)
              + "\"");
    }
    return words;
  }
}
