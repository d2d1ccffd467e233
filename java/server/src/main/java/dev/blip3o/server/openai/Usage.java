package dev.blip3o.server.openai;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * What a request took, in tokens of the language model.
 *
 * @param textTokens of the prompt with its template
 * @param imageTokens of reference pictures
 * @param outputTokens of the pictures that were drawn
 */
public record Usage(int textTokens, int imageTokens, int outputTokens) {
  /** OpenAI's {@code usage} object. */
  public ObjectNode toJson() {
    ObjectNode usage = JsonNodeFactory.instance.objectNode();
    int input = textTokens + imageTokens;
    usage.put("input_tokens", input);
    usage
        .putObject("input_tokens_details")
        .put("text_tokens", textTokens)
        .put("image_tokens", imageTokens);
    usage.put("output_tokens", outputTokens);
    usage.put("total_tokens", input + outputTokens);
    return usage;
  }

  /** The share of one picture among {@code count}, whose prompt was read once. */
  public Usage ofOne(int count) {
    return new Usage(textTokens, imageTokens, outputTokens / count);
  }
}
