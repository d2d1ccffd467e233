package dev.blip3o.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.blip3o.Blip3oModel;
import dev.blip3o.server.health.End;
import dev.blip3o.server.health.Health;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class Blip3oServerTest {
  private static final Path DEMO = Path.of(System.getProperty("blip3o.root"), "weights", "demo");

  private static Blip3oModel model;

  private final HttpClient client = HttpClient.newHttpClient();

  @BeforeAll
  static void open() {
    model = Blip3oModel.open(DEMO);
  }

  @AfterAll
  static void closeModel() {
    model.close();
  }

  private static ServerOptions.Builder options() {
    return ServerOptions.builder(DEMO).port(0);
  }

  private HttpResponse<String> get(Blip3oServer server, String path)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path)).build();
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  private static JsonNode json(HttpResponse<String> response) throws IOException {
    return new ObjectMapper().readTree(response.body());
  }

  @Test
  void probesAndMetricsAreAnsweredUntilTheEnd() throws IOException, InterruptedException {
    Blip3oServer server = Blip3oServer.start(options().build(), model);
    try {
      assertEquals(200, get(server, "/healthz").statusCode());
      HttpResponse<String> ready = get(server, "/readyz");
      assertEquals(200, ready.statusCode());
      assertEquals("ready", json(ready).path("status").asText());
      String metrics = get(server, "/metrics").body();
      assertTrue(metrics.contains("blip3o_http_ready 1.0"), metrics);
      assertTrue(metrics.contains("route=\"/readyz\",status=\"200\"} 1"), metrics);

      assertTrue(server.drain(Duration.ofSeconds(30)));
      assertEquals(200, get(server, "/healthz").statusCode());
      HttpResponse<String> draining = get(server, "/readyz");
      assertEquals(503, draining.statusCode());
      assertEquals("draining", json(draining).path("status").asText());
      assertFalse(server.ended().isDone());
    } finally {
      server.close();
    }
    assertTrue(server.drain(Duration.ofSeconds(30)), "nothing is left to wait for");
    assertEquals(End.CLOSED, server.ended().join());
    assertEquals(Health.CLOSED, server.health());
    assertTrue(model.metrics().healthy(), "a model of others stays open");
  }

  @Test
  void everyAnswerHasTheHeadersOfSafety() throws IOException, InterruptedException {
    try (Blip3oServer server = Blip3oServer.start(options().build(), model)) {
      for (String path : new String[] {"/healthz", "/v1/nothing", "/metrics"}) {
        var headers = get(server, path).headers();
        String policy = headers.firstValue("Content-Security-Policy").orElseThrow();
        assertTrue(policy.startsWith("default-src 'none'"), policy);
        assertEquals("nosniff", headers.firstValue("X-Content-Type-Options").orElseThrow());
        assertTrue(headers.firstValue("X-Request-Id").orElseThrow().matches("req_\\d+"));
        assertTrue(headers.firstValue("Access-Control-Allow-Origin").isEmpty());
      }
    }
  }

  @Test
  void whatIsNotThereIsAnErrorObject() throws IOException, InterruptedException {
    try (Blip3oServer server = Blip3oServer.start(options().build(), model)) {
      HttpResponse<String> response = get(server, "/v1/files/pictures/none");
      assertEquals(404, response.statusCode());
      assertEquals("application/json", response.headers().firstValue("Content-Type").orElseThrow());
      JsonNode error = json(response).path("error");
      assertEquals("invalid_request_error", error.path("type").asText());
      assertTrue(error.has("param") && error.has("code"), response.body());
    }
  }

  @Test
  void aPortInUseIsNamed() {
    try (Blip3oServer server = Blip3oServer.start(options().build(), model)) {
      ServerOptions same = options().port(server.port()).build();
      ServerException refusal =
          assertThrows(ServerException.class, () -> Blip3oServer.start(same, model));
      assertTrue(
          refusal.getMessage().startsWith("can't listen at 127.0.0.1:" + server.port() + ": "),
          refusal.getMessage());
    }
  }

  @Test
  void closingTwiceHasNoEffect() {
    Blip3oServer server = Blip3oServer.start(options().build());
    server.close();
    server.close();
    assertEquals(End.CLOSED, server.ended().join());
  }
}
