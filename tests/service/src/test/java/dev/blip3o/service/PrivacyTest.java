package dev.blip3o.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedInputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a serving process tells, writes and keeps, at the default level of its log. */
@Timeout(300)
class PrivacyTest {
  /** In every prompt here; a word that nothing else holds. */
  private static final String SECRET = "xyzzyplugh";

  private static final String GENERATIONS = "/v1/images/generations";
  private static final String EDITS = "/v1/images/edits";

  @TempDir static Path folder;
  private static ServeProcess server;

  @BeforeAll
  static void start() {
    server = ServeProcess.start(folder);
  }

  /** What all tests together made it log. */
  @AfterAll
  static void theLogTellsOfNoPromptsNorOfTheInside() throws Exception {
    try (ServeProcess ending = server) {
      ending.stop();
      String log = ending.log();
      assertTrue(log.contains(GENERATIONS), "requests are logged: " + log);
      assertFalse(log.contains(SECRET), log);
      assertFalse(Leaks.any(log), log);
    }
  }

  private Answer post(String path, String json) {
    return Wire.ask(server.port(), Wire.postJson(path, json));
  }

  private Answer edit(Multipart body) {
    return Wire.ask(server.port(), Wire.post(EDITS, Multipart.CONTENT_TYPE, body.bytes()));
  }

  private static Multipart instruction() {
    return new Multipart().text("prompt", "make the " + SECRET + " blue").text("steps", 1);
  }

  @Test
  void errorsTellOfNoPromptsNorOfTheInside() throws Exception {
    String prompt = "{\"prompt\":\"a red " + SECRET + "\",\"steps\":1";
    List<Answer> errors = new ArrayList<>();
    errors.add(post(GENERATIONS, prompt));
    errors.add(post(GENERATIONS, prompt + ",\"size\":\"3x3\"}"));
    errors.add(post(GENERATIONS, prompt + ",\"n\":0}"));
    errors.add(
        post(GENERATIONS, "{\"steps\":1,\"prompt\":\"" + (SECRET + " ").repeat(5000) + "\"}"));
    errors.add(post(EDITS, prompt + ",\"images\":[{\"image_url\":\"file:///etc/passwd\"}]}"));
    errors.add(edit(instruction()));
    errors.add(edit(instruction().png("image", SECRET.getBytes(StandardCharsets.UTF_8))));
    errors.add(Wire.ask(server.port(), Wire.get("/v1/images/../../../etc/passwd")));
    errors.add(Wire.ask(server.port(), Wire.get("/%2e%2e/%2e%2e/etc/passwd")));
    errors.add(Wire.ask(server.port(), Wire.get(GENERATIONS)));
    for (Answer error : errors) {
      assertTrue(error.status() >= 400 && error.status() < 500, error.status() + error.text());
      assertFalse(error.text().contains(SECRET), error.text());
      assertFalse(Leaks.any(error.text()), error.text());
    }
    assertEquals(200, post(GENERATIONS, prompt + "}").status());
    assertEquals(200, edit(instruction().png("image", Drawings.redCircle())).status());
  }

  @Test
  void uploadsNeverTouchTheDisk() throws Exception {
    byte[] noise = new byte[4 << 20];
    new Random(1).nextBytes(noise);
    byte[] request =
        Wire.post(
            EDITS,
            Multipart.CONTENT_TYPE,
            instruction().png("image", noise).png("image", Drawings.redCircle()).bytes());
    List<Path> before = filesAfter(Recipe.edit(1, true));
    try (Socket socket = Wire.connect(server.port())) {
      OutputStream out = socket.getOutputStream();
      out.write(request, 0, request.length - 100);
      out.flush();
      // The second answer comes after the server has seen what came before it.
      assertEquals(before, filesAfter(Recipe.edit(1, true)));
      assertTrue(
          server.descriptors().stream().noneMatch(target -> target.endsWith("(deleted)")),
          () -> server.descriptors().toString());
      out.write(request, request.length - 100, 100);
      out.flush();
      assertEquals(400, Wire.read(new BufferedInputStream(socket.getInputStream())).status());
    }
    assertEquals(before, server.files());
    for (Path file : before) {
      assertTrue(
          Files.isDirectory(file) || Files.size(file) < noise.length, file + " holds an upload");
    }
  }

  private List<Path> filesAfter(Recipe recipe) {
    Answer answer = Wire.ask(server.port(), recipe.request());
    assertEquals(200, answer.status(), answer.text());
    return server.files();
  }

  @Test
  void addressesOfPicturesCantBeGuessed() {
    String body =
        "{\"prompt\":\"a red circle\",\"steps\":1,\"seed\":1,\"response_format\":\"url\"}";
    String first = post(GENERATIONS, body).json().at("/data/0/url").asText();
    String second = post(GENERATIONS, body).json().at("/data/0/url").asText();
    String firstName = first.substring(first.lastIndexOf('/') + 1);
    String secondName = second.substring(second.lastIndexOf('/') + 1);
    assertTrue(firstName.length() >= 22, "128 bits and more: " + firstName);
    int equal = 0;
    for (int i = 0; i < Math.min(firstName.length(), secondName.length()); i++) {
      equal += firstName.charAt(i) == secondName.charAt(i) ? 1 : 0;
    }
    assertTrue(equal < firstName.length() / 2, first + " and " + second + " are alike");
    String path = first.replaceFirst("^https?://[^/]*", "");
    assertEquals(200, Wire.ask(server.port(), Wire.get(path)).status());
    char last = path.charAt(path.length() - 1);
    String other = path.substring(0, path.length() - 1) + (last == 'A' ? 'B' : 'A');
    assertEquals(404, Wire.ask(server.port(), Wire.get(other)).status());
  }
}
