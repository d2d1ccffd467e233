package dev.blip3o.training.rewards;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import javax.imageio.ImageIO;

/**
 * What is said to scorers outside of the JVM, and what they answer: the objects that the package's
 * description shows.
 */
final class RewardMessages {
  private static final int EXCERPT = 200;

  /** NaN is no JSON, but Python writes it: it is read, so that the error can name it. */
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private RewardMessages() {}

  /** The question: UTF-8, without a line break. */
  static byte[] request(long id, List<RewardInput> batch) {
    ObjectNode message = JSON.createObjectNode().put("id", id);
    ArrayNode pictures = message.putArray("pictures");
    for (RewardInput input : batch) {
      ObjectNode picture = pictures.addObject().put("prompt", input.prompt().text());
      ObjectNode fields = picture.putObject("fields");
      input.prompt().fields().forEach(fields::put);
      picture.put("png", png(input));
    }
    try {
      return JSON.writeValueAsBytes(message);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of text and numbers can be written", e);
    }
  }

  private static byte[] png(RewardInput input) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(input.picture(), "png", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException("bytes in memory can be written", e);
    }
    return bytes.toByteArray();
  }

  /**
   * The scores of an answer.
   *
   * @param reward the name of who answered
   * @param id of the question
   * @param pictures how many scores are needed
   * @throws RewardException if the answer tells of an error
   * @throws RewardContractException if it is no such answer
   */
  static double[] scores(String reward, String answer, long id, int pictures) {
    JsonNode message = tree(reward, answer);
    if (message.hasNonNull("error")) {
      throw new RewardException(
          "the reward '" + reward + "' tells of an error: " + message.get("error").asText());
    }
    // A service answers its own question only, so it may leave the id out.
    if (message.has("id") && message.get("id").asLong(-1) != id) {
      throw new RewardContractException(
          "the reward '"
              + reward
              + "' must answer with the id of the question, "
              + id
              + ", but found "
              + message.get("id"));
    }
    return Scores.check(reward, pictures, numbers(reward, message.path("scores"), answer));
  }

  private static JsonNode tree(String reward, String answer) {
    try {
      JsonNode message = JSON.readTree(answer);
      if (message.isObject()) {
        return message;
      }
    } catch (JsonProcessingException e) {
      throw malformed(reward, answer, e);
    }
    throw malformed(reward, answer, null);
  }

  private static double[] numbers(String reward, JsonNode scores, String answer) {
    boolean valid = scores.isArray();
    for (JsonNode score : scores) {
      valid &= score.isNumber();
    }
    if (!valid) {
      throw malformed(reward, answer, null);
    }
    double[] values = new double[scores.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = scores.get(i).doubleValue();
    }
    return values;
  }

  private static RewardContractException malformed(String reward, String answer, Throwable cause) {
    String excerpt = answer.length() > EXCERPT ? answer.substring(0, EXCERPT) + "…" : answer;
    return new RewardContractException(
        "the reward '"
            + reward
            + "' must answer with a JSON object as {\"id\": 1, \"scores\": [0.5]} on one line, but"
            + " found: "
            + excerpt,
        cause);
  }
}
