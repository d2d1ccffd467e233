package dev.blip3o.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a benchmark has drawn.
 *
 * @param texts at least one
 * @param source where they are from, in words
 */
record BenchPrompts(List<String> texts, String source) {
  private static final String FILE = "prompts.json";

  private static final List<String> BUILT_IN =
      List.of(
          "a red circle",
          "a blue square on a black background",
          "two green stars",
          "a lighthouse on a cliff in a storm",
          "a bowl of oranges, oil painting",
          "a cat asleep on a stack of books",
          "a street market at night, in the rain",
          "a small wooden boat on a calm lake at dawn");

  /**
   * The prompts of a run.
   *
   * @param file one prompt a line, or null: the checkpoint's own, an array of texts in its
   *     prompts.json, else a few that are built in
   * @throws CliException if a file that is there can't be used
   */
  static BenchPrompts of(Path file, Path checkpoint) {
    if (file != null) {
      return new BenchPrompts(PromptFile.read(file), Text.oneLine(file.toString()));
    }
    Path own = checkpoint.resolve(FILE);
    if (Files.isRegularFile(own)) {
      return new BenchPrompts(read(own), Text.oneLine(own.toString()));
    }
    return new BenchPrompts(BUILT_IN, "the program");
  }

  private static List<String> read(Path file) {
    List<String> texts = new ArrayList<>();
    for (JsonNode text : parse(file)) {
      if (!text.isTextual() || text.asText().isBlank()) {
        throw unusable(file, "item " + texts.size() + " is " + text, null);
      }
      texts.add(text.asText());
    }
    if (texts.isEmpty()) {
      throw unusable(file, "there is none", null);
    }
    return texts;
  }

  private static JsonNode parse(Path file) {
    try {
      return new JsonMapper().readTree(file.toFile());
    } catch (JsonProcessingException e) {
      throw unusable(file, "it is no JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new CliException(ReadFailure.sentence(file, e), e);
    }
  }

  private static CliException unusable(Path file, String found, Throwable cause) {
    return new CliException(
        file
            + ": prompts must be an array of texts, but "
            + found
            + "; name others with --prompts FILE",
        cause);
  }
}
