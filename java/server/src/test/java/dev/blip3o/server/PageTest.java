package dev.blip3o.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class PageTest {
  private static final Path DEMO = Path.of(System.getProperty("blip3o.root"), "weights", "demo");

  private static Blip3oModel model;
  private static Blip3oServer server;
  private static HttpClient client;

  @BeforeAll
  static void start() {
    model = Blip3oModel.open(DEMO);
    server = Blip3oServer.start(ServerOptions.builder(DEMO).port(0).build(), model);
    client = HttpClient.newHttpClient();
  }

  @AfterAll
  static void stop() {
    server.close();
    model.close();
  }

  private static HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path));
  }

  private static HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return client.send(request(path).build(), BodyHandlers.ofString());
  }

  @ParameterizedTest
  @CsvSource({
    "/, text/html; charset=utf-8",
    "/index.html, text/html; charset=utf-8",
    "/main.js, text/javascript; charset=utf-8",
    "/style.css, text/css; charset=utf-8",
    "/icon.svg, image/svg+xml"
  })
  void filesHaveTheirTypes(String path, String type) throws IOException, InterruptedException {
    for (int i = 0; i < 2; i++) {
      HttpResponse<String> response = get(path);
      assertEquals(200, response.statusCode());
      assertEquals(type, response.headers().firstValue("Content-Type").orElseThrow());
      assertTrue(response.body().length() > 100, response.body());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/none.html",
        "/../ServerOptions.class",
        "/%2e%2e/ServerOptions.class",
        "/..%2fServerOptions.class",
        "/.hidden.js",
        "/Main.js",
        "/a/b"
      })
  void nothingElseIsServed(String path) throws IOException, InterruptedException {
    HttpResponse<String> response = get(path);
    assertTrue(response.statusCode() == 404 || response.statusCode() == 400, path);
    assertTrue(response.body().startsWith("{\"error\":{"), response.body());
  }

  @Test
  void pagesOfOtherSitesCantAskForPictures() throws IOException, InterruptedException {
    HttpRequest foreign =
        request("/v1/images/edits")
            .header("Sec-Fetch-Site", "cross-site")
            .header("Content-Type", "multipart/form-data; boundary=x")
            .POST(HttpRequest.BodyPublishers.ofString("--x--\r\n"))
            .build();
    assertEquals(403, client.send(foreign, BodyHandlers.ofString()).statusCode());
  }
}
