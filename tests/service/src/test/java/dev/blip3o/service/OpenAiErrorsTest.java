package dev.blip3o.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.errors.NotFoundException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.images.ImageGenerateParams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Refusals, as OpenAI's client types them. */
class OpenAiErrorsTest {
  private static final String KEY = "sk-test-0123456789abcdef";

  @TempDir Path folder;

  private static OpenAIClient client(DemoServer server, String key) {
    return OpenAIOkHttpClient.builder()
        .baseUrl(server.url() + "/v1")
        .apiKey(key)
        .maxRetries(0)
        .build();
  }

  private static ImageGenerateParams.Builder draw() {
    return ImageGenerateParams.builder()
        .prompt("a red circle")
        .putAdditionalBodyProperty("steps", JsonValue.from(1));
  }

  private Path keys() throws IOException {
    return Files.writeString(folder.resolve("keys"), "tests " + KEY + "\n");
  }

  @Test
  void aWrongKeyIsUnauthorized() throws IOException {
    Path keys = keys();
    try (DemoServer server = DemoServer.start(options -> options.keysFile(keys))) {
      UnauthorizedException refusal =
          assertThrows(
              UnauthorizedException.class,
              () -> client(server, "sk-wrong").images().generate(draw().build()));
      assertEquals("invalid_api_key", refusal.code().orElseThrow());
      assertTrue(
          client(server, KEY).images().generate(draw().build()).data().orElseThrow().size() == 1);
    }
  }

  @Test
  void tooManyRequestsAreARateLimit() throws IOException {
    Path keys = keys();
    try (DemoServer server =
        DemoServer.start(options -> options.keysFile(keys).perKeyRequestsPerMinute(1))) {
      OpenAIClient client = client(server, KEY);
      client.images().generate(draw().build());
      RateLimitException refusal =
          assertThrows(
              RateLimitException.class,
              () -> {
                // The allowance refills while the first picture is made, by one a minute.
                client.images().generate(draw().build());
                client.images().generate(draw().build());
              });
      assertEquals("rate_limit_exceeded", refusal.code().orElseThrow());
      long seconds = Long.parseLong(refusal.headers().values("Retry-After").get(0));
      assertTrue(seconds >= 1 && seconds <= 60, "Retry-After: " + seconds);
    }
  }

  @Test
  void anUnknownModelIsNotFound() {
    try (DemoServer server = DemoServer.start()) {
      NotFoundException refusal =
          assertThrows(
              NotFoundException.class,
              () -> client(server, "any").images().generate(draw().model("dall-e-9").build()));
      assertEquals("model_not_found", refusal.code().orElseThrow());
    }
  }
}
