package dev.blip3o.training.prompts;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.LinkedHashMap;
import java.util.Map;

/** A prompt that is written as a JSON object. */
final class PromptLine {
  private static final String PROMPT = "prompt";
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private PromptLine() {}

  /**
   * Reads one.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  static TrainingPrompt parse(String line) {
    JsonNode object = tree(line);
    JsonNode prompt = object.get(PROMPT);
    if (prompt == null || !prompt.isTextual() || prompt.textValue().isBlank()) {
      throw new IllegalArgumentException(
          "expected a field \"prompt\" with text, but found "
              + (prompt == null ? "the fields " + object.properties() : prompt));
    }
    Map<String, String> fields = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : object.properties()) {
      if (!field.getValue().isValueNode() || field.getValue().isNull()) {
        throw new IllegalArgumentException(
            "the field \""
                + field.getKey()
                + "\" must be text, a number or a boolean, but is "
                + field.getValue());
      }
      if (!field.getKey().equals(PROMPT)) {
        fields.put(field.getKey(), field.getValue().asText());
      }
    }
    return new TrainingPrompt(prompt.textValue().strip(), fields);
  }

  private static JsonNode tree(String line) {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "the line begins with {, but is no JSON object: "
              + e.getOriginalMessage().replaceAll("\\s+", " ")
              + "; a prompt that begins with { is written {\"prompt\": \"{...\"}",
          e);
    }
  }
}
