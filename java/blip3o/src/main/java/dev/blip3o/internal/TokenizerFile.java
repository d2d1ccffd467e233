package dev.blip3o.internal;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import dev.blip3o.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A {@code tokenizer.json} without its added tokens: the vocabulary that may tokenise a user's
 * text.
 *
 * @param file where it was read
 * @param json the document with an empty {@code added_tokens}
 * @param chatStart id of {@code <|im_start|>}
 * @param chatEnd id of {@code <|im_end|>}
 * @param visionStart id of {@code <|vision_start|>}, which only edits need; -1 where it lacks
 * @param visionEnd id of {@code <|vision_end|>}, which only edits need; -1 where it lacks
 */
record TokenizerFile(
    Path file, byte[] json, int chatStart, int chatEnd, int visionStart, int visionEnd) {
  private static final String ADDED_TOKENS = "added_tokens";
  private static final String CHAT_START = "<|im_start|>";
  private static final String CHAT_END = "<|im_end|>";
  private static final String VISION_START = "<|vision_start|>";
  private static final String VISION_END = "<|vision_end|>";
  private static final int NONE = -1;
  private static final byte[] EMPTY_ARRAY = {'[', ']'};

  /**
   * The names of a vocabulary are all different: interning them, and counting their collisions, is
   * waste.
   */
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.FAIL_ON_SYMBOL_HASH_OVERFLOW)
          .build();

  /**
   * Reads the file of a checkpoint directory. The document is walked once and cut, never built: the
   * public one is 11 MB with 65,000 added tokens.
   *
   * @throws CheckpointException if it is missing, malformed or lacks a chat token
   */
  static TokenizerFile read(Path directory) {
    Path file = directory.resolve("tokenizer.json");
    byte[] json = bytes(file);
    Cut cut = new Cut();
    try (JsonParser parser = JSON.createParser(json)) {
      cut.walk(parser, file);
    } catch (JsonProcessingException e) {
      throw new CheckpointException(
          file
              + ": not valid JSON at "
              + position(e)
              + " ("
              + e.getOriginalMessage()
              + "); get the file again",
          e);
    } catch (IOException e) {
      throw new CheckpointException(file + ": can't be read: " + e.getMessage(), e);
    }
    return new TokenizerFile(
        file,
        cut.apply(json),
        required(file, CHAT_START, cut.id(CHAT_START)),
        required(file, CHAT_END, cut.id(CHAT_END)),
        isId(cut.id(VISION_START)) ? (int) cut.id(VISION_START) : NONE,
        isId(cut.id(VISION_END)) ? (int) cut.id(VISION_END) : NONE);
  }

  /** What the prompt of an edit lacks in this file. */
  Optional<String> editingLack() {
    if (visionStart != NONE && visionEnd != NONE) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
            "%s: %s must hold the token %s with an id of 0 or more, but lacks it; the prompt of an"
                + " edit can't be written without it",
            file, ADDED_TOKENS, visionStart == NONE ? VISION_START : VISION_END));
  }

  private static byte[] bytes(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(
          file + ": there is no such file; a checkpoint needs its Hugging Face tokenizer there");
    }
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new CheckpointException(file + ": can't be read: " + e.getMessage(), e);
    } catch (OutOfMemoryError e) {
      throw new CheckpointException(file + ": too large to be a tokenizer", e);
    }
  }

  private static String position(JsonProcessingException e) {
    return e.getLocation() == null
        ? "an unknown place"
        : "line " + e.getLocation().getLineNr() + ", column " + e.getLocation().getColumnNr();
  }

  private static int required(Path file, String token, long id) {
    if (!isId(id)) {
      throw new CheckpointException(
          file
              + ": "
              + ADDED_TOKENS
              + " must hold the token "
              + token
              + " with an id of 0 or more, but "
              + (id == Cut.ABSENT ? "lacks it" : "its id is " + id)
              + "; the chat template can't be written without it");
    }
    return (int) id;
  }

  private static boolean isId(long id) {
    return id >= 0 && id <= Integer.MAX_VALUE;
  }

  /** Where the added tokens stand in the document, and those of them that the templates need. */
  private static final class Cut {
    static final long ABSENT = Long.MIN_VALUE;

    private static final Set<String> NEEDED =
        Set.of(CHAT_START, CHAT_END, VISION_START, VISION_END);

    private final Map<String, Long> ids = new HashMap<>();
    private int from = -1;
    private int to = -1;

    void walk(JsonParser parser, Path file) throws IOException {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new CheckpointException(file + ": must be a JSON object");
      }
      boolean model = false;
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String field = parser.currentName();
        JsonToken value = parser.nextToken();
        if (field.equals(ADDED_TOKENS)) {
          addedTokens(parser, value, file);
        } else {
          model |= field.equals("model") && value == JsonToken.START_OBJECT;
          parser.skipChildren();
        }
      }
      if (!model) {
        throw new CheckpointException(file + ": field model must be an object, but is missing");
      }
    }

    private void addedTokens(JsonParser parser, JsonToken value, Path file) throws IOException {
      if (value != JsonToken.START_ARRAY) {
        throw new CheckpointException(
            file + ": field " + ADDED_TOKENS + " must be an array, but is " + value);
      }
      if (from >= 0) {
        throw new CheckpointException(file + ": field " + ADDED_TOKENS + " appears twice");
      }
      from = Math.toIntExact(parser.currentTokenLocation().getByteOffset());
      for (int i = 0; parser.nextToken() != JsonToken.END_ARRAY; i++) {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
          throw new CheckpointException(
              file + ": " + ADDED_TOKENS + "[" + i + "] must be an object");
        }
        addedToken(parser, file, i);
      }
      to = Math.toIntExact(parser.currentLocation().getByteOffset());
    }

    private void addedToken(JsonParser parser, Path file, int index) throws IOException {
      String content = null;
      long id = ABSENT;
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String field = parser.currentName();
        JsonToken value = parser.nextToken();
        if (field.equals("content") && value == JsonToken.VALUE_STRING) {
          content = parser.getText();
        } else if (field.equals("id") && value == JsonToken.VALUE_NUMBER_INT) {
          id = parser.getLongValue();
        } else {
          parser.skipChildren();
        }
      }
      if (content == null || id == ABSENT) {
        throw new CheckpointException(
            file
                + ": "
                + ADDED_TOKENS
                + "["
                + index
                + "] needs a text in field content and an integer in field id");
      }
      if (NEEDED.contains(content)) {
        ids.put(content, id);
      }
    }

    long id(String token) {
      return ids.getOrDefault(token, ABSENT);
    }

    byte[] apply(byte[] json) {
      if (from < 0) {
        return json;
      }
      byte[] result = new byte[from + EMPTY_ARRAY.length + json.length - to];
      System.arraycopy(json, 0, result, 0, from);
      System.arraycopy(EMPTY_ARRAY, 0, result, from, EMPTY_ARRAY.length);
      System.arraycopy(json, to, result, from + EMPTY_ARRAY.length, json.length - to);
      return result;
    }
  }
}
