package dev.blip3o.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What editing needs of a {@code tokenizer.json}, which the library's report on the weights leaves
 * out.
 */
final class TokenizerCheck {
  private static final String ADDED_TOKENS = "added_tokens";
  private static final List<String> NEEDED = List.of("<|vision_start|>", "<|vision_end|>");

  private TokenizerCheck() {}

  /** One sentence that says what is missing, or nothing. */
  static Optional<String> editingLack(Path checkpoint) {
    Path file = checkpoint.resolve("tokenizer.json");
    Set<String> found = new TreeSet<>();
    // The names of a vocabulary are all different: interning them is waste.
    JsonFactory json =
        JsonFactory.builder().disable(JsonFactory.Feature.INTERN_FIELD_NAMES).build();
    // Not a File: its errors are no exceptions of java.nio.file, which say what is wrong.
    try (InputStream in = Files.newInputStream(file);
        JsonParser parser = json.createParser(in)) {
      walk(parser, found);
    } catch (JsonProcessingException e) {
      return Optional.of(file + ": not valid JSON (" + e.getOriginalMessage() + ")");
    } catch (IOException e) {
      return Optional.of(ReadFailure.sentence(file, e));
    }
    return NEEDED.stream()
        .filter(token -> !found.contains(token))
        .findFirst()
        .map(
            token ->
                String.format(
                    "%s: %s must hold the token %s with an id of 0 or more, but lacks it; the"
                        + " prompt of an edit can't be written without it",
                    file, ADDED_TOKENS, token));
  }

  private static void walk(JsonParser parser, Set<String> found) throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      return;
    }
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String field = parser.currentName();
      JsonToken value = parser.nextToken();
      if (field.equals(ADDED_TOKENS) && value == JsonToken.START_ARRAY) {
        while (parser.nextToken() == JsonToken.START_OBJECT) {
          addedToken(parser).ifPresent(found::add);
        }
        return;
      }
      parser.skipChildren();
    }
  }

  /** The content of an added token whose id can be used. */
  private static Optional<String> addedToken(JsonParser parser) throws IOException {
    String content = null;
    boolean usable = false;
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String field = parser.currentName();
      JsonToken value = parser.nextToken();
      if (field.equals("content") && value == JsonToken.VALUE_STRING) {
        content = parser.getText();
      } else if (field.equals("id") && value == JsonToken.VALUE_NUMBER_INT) {
        long id = parser.getLongValue();
        usable = id >= 0 && id <= Integer.MAX_VALUE;
      } else {
        parser.skipChildren();
      }
    }
    return usable ? Optional.ofNullable(content) : Optional.empty();
  }
}
