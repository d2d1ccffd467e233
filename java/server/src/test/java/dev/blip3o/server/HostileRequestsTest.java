package dev.blip3o.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that no client of goodwill sends, byte by byte. */
@Timeout(60)
class HostileRequestsTest {
  private static final Path DEMO = Path.of(System.getProperty("blip3o.root"), "weights", "demo");
  private static final String CLOSE = "Host: a\r\nConnection: close\r\n";

  private static Blip3oModel model;
  private static Blip3oServer server;

  @BeforeAll
  static void start() {
    model = Blip3oModel.open(DEMO);
    server = Blip3oServer.start(ServerOptions.builder(DEMO).port(0).build(), model);
  }

  @AfterAll
  static void stop() {
    server.close();
    model.close();
  }

  /** Sends it and reads until the server ends the connection. */
  private static String ask(String request) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      socket.setSoTimeout(30_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      socket.getOutputStream().flush();
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static String post(String path, String headers, String body) {
    int length = body.getBytes(StandardCharsets.UTF_8).length;
    String head = "POST " + path + " HTTP/1.1\r\n" + CLOSE + headers;
    return head + "Content-Type: application/json\r\nContent-Length: " + length + "\r\n\r\n" + body;
  }

  private static void assertRefused(int status, String answer) {
    assertTrue(answer.startsWith("HTTP/1.1 " + status + " "), answer);
    assertTrue(answer.contains("\r\nX-Content-Type-Options: nosniff\r\n"), answer);
    assertTrue(answer.contains("{\"error\":{\"message\":\""), answer);
    assertFalse(answer.contains("The server failed"), answer);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /%zz HTTP/1.1\r\n" + CLOSE + "\r\n",
        "GET /v1/models/%ff%zz HTTP/1.1\r\n" + CLOSE + "\r\n"
      })
  void aHeadThatMeansNothingIsTheClientsFault(String request) throws IOException {
    assertRefused(400, ask(request));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip, chunked", "xchunked", "identity"})
  void anUnknownFramingEndsTheConnection(String coding) throws IOException {
    String request =
        "POST /v1/images/generations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            + "Transfer-Encoding: "
            + coding
            + "\r\n\r\n";
    assertRefused(501, ask(request));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/healthz", "/readyz", "/metrics", "/", "/style.css", "/v1/models"})
  void aHeadIsAnsweredWithoutABody(String path) throws IOException {
    String answer = ask("HEAD " + path + " HTTP/1.1\r\n" + CLOSE + "\r\n");
    assertTrue(answer.startsWith("HTTP/1.1 200 OK\r\n"), answer);
    assertTrue(answer.endsWith("\r\n\r\n"), answer);
  }

  @Test
  void millionsOfEmptyObjectsAreNotBuilt() throws IOException {
    String body = "{\"prompt\":\"a\",\"images\":[" + "{},".repeat(100_000) + "{}]}";
    String answer = ask(post("/v1/images/edits", "", body));
    assertRefused(400, answer);
    assertTrue(answer.contains("no JSON object that this server can read"), answer);
  }

  @ParameterizedTest
  @ValueSource(strings = {"cross-site", "same-site", "SAME-SITE", "else"})
  void pagesOfOtherOriginsAskForNothing(String site) throws IOException {
    String header = "Sec-Fetch-Site: " + site + "\r\n";
    assertRefused(403, ask(post("/v1/images/generations", header, "{\"prompt\":\"a\"}")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"same-origin", "none"})
  void thePageItselfMayAsk(String site) throws IOException {
    String header = "Sec-Fetch-Site: " + site + "\r\n";
    assertRefused(400, ask(post("/v1/images/generations", header, "{}")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"seed\":18446744073709551616",
        "\"seed\":1e999",
        "\"seed\":-9223372036854775809",
        "\"n\":0",
        "\"n\":1e0",
        "\"guidance_scale\":1e999",
        "\"temperature\":NaN",
        "\"n\":1,\"n\":1",
        "\"user\":{\"a\":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}",
        "\"prompt\":\"half \\ud800\""
      })
  void numbersAndTextsOutOfAllBoundsAreRefused(String field) throws IOException {
    String prompt = field.startsWith("\"prompt\"") ? "" : "\"prompt\":\"a red circle\",";
    assertRefused(400, ask(post("/v1/images/generations", "", "{" + prompt + field + "}")));
  }

  @Test
  void whatClientsNameNeverBecomesAHeader() throws IOException {
    String body =
        "{\"prompt\":\"a\",\"steps\":1,\"user\":\"x\\r\\nSet-Cookie: a=b\",\"model\":\"y\\r\\nSet-Cookie: c=d\"}";
    String answer = ask(post("/v1/images/generations", "", body));
    assertRefused(404, answer);
    assertEquals(-1, answer.indexOf("Set-Cookie"));
  }
}
