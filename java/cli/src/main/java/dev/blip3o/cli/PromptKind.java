package dev.blip3o.cli;

import java.io.File;
import java.nio.file.Path;
import java.util.List;

/** What a command calls its texts, and where it takes them from. */
enum PromptKind {
  /** Says what a picture shows. */
  PROMPT(
      "a prompt",
      "the prompt",
      "what the picture shows",
      "a picture to start from needs --from before it"),
  /** Says what to change in a picture. */
  INSTRUCTION(
      "an instruction",
      "the instruction",
      "what to change",
      "each picture needs its own -i before it");

  private final String one;
  private final String the;
  private final String content;
  private final String pictures;

  PromptKind(String one, String the, String content, String pictures) {
    this.one = one;
    this.the = the;
    this.content = content;
    this.pictures = pictures;
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
      checkPictures(words);
      throw new UsageException(
          the
              + " has to be one word of the command line: put quotes around \""
              + String.join(" ", words)
              + "\"");
    }
    if (words.get(0).isBlank()) {
      throw new UsageException(the + " is empty: say in quotes " + content);
    }
    return words;
  }

  /** A shell's pattern, or a list of pictures after one option, gives words that are files. */
  private void checkPictures(List<String> words) {
    for (String word : words) {
      if (new File(word).isFile()) {
        throw new UsageException(
            "'" + word + "' stands where " + the + " should, but is a file: " + pictures);
      }
    }
  }
}
