package dev.blip3o.service;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;

/**
 * An answer of HTTP.
 *
 * @param status for example 200; 0: the connection ended without an answer
 * @param headers by their names in lower case
 * @param body without the chunks' sizes
 */
record Answer(int status, Map<String, String> headers, byte[] body) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** What a connection gives that ends without an answer. */
  static final Answer NONE = new Answer(0, Map.of(), new byte[0]);

  String text() {
    return new String(body, StandardCharsets.UTF_8);
  }

  String header(String name) {
    return headers.getOrDefault(name.toLowerCase(Locale.ROOT), "");
  }

  JsonNode json() {
    try {
      return JSON.readTree(text());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("no JSON: " + text(), e);
    }
  }

  /** The first picture of a plain answer. */
  byte[] picture() {
    return Base64.getDecoder().decode(json().at("/data/0/b64_json").asText());
  }

  /** The picture of the last event of a stream. */
  byte[] lastEventsPicture() {
    String data =
        text()
            .lines()
            .filter(line -> line.startsWith("data:"))
            .reduce((first, second) -> second)
            .orElseThrow(() -> new IllegalStateException("no event: " + text()));
    try {
      JsonNode event = JSON.readTree(data.substring("data:".length()));
      return Base64.getDecoder().decode(event.path("b64_json").asText());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("no JSON: " + data, e);
    }
  }

  /** Whether this is an error object as OpenAI's clients read it. */
  boolean isError() {
    JsonNode error = json().path("error");
    return error.path("message").isTextual()
        && error.path("type").isTextual()
        && error.has("param")
        && error.has("code");
  }
}
