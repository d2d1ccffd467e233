package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.CancellationToken;
import dev.blip3o.support.Repository;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code blip3o serve} as a process of its own, as supervisors see it. */
@Timeout(120)
class CliServeTest {
  private static final Pattern LISTENING =
      Pattern.compile("Listening at (http://127\\.0\\.0\\.1:\\d+)/");
  private static final String KEY = "sk-0123456789-abcdef";

  @TempDir Path folder;

  private final HttpClient client = HttpClient.newHttpClient();
  private Process process;
  private String address;

  @AfterEach
  void end() throws InterruptedException {
    if (process != null) {
      process.destroyForcibly().waitFor();
    }
  }

  private static List<String> java(String... words) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx512m");
    for (String property : List.of("org.bytedeco.javacpp.cachedir", "DJL_CACHE_DIR")) {
      if (System.getProperty(property) != null) {
        command.add("-D" + property + "=" + System.getProperty(property));
      }
    }
    command.add("-Dblip3o.root=" + Repository.root());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(words));
    return command;
  }

  private void serve(String... options) throws IOException {
    List<String> command = java("-Djava.io.tmpdir=" + folder, "dev.blip3o.cli.Main", "serve");
    command.addAll(List.of("--port=0", "--threads=2"));
    command.addAll(List.of(options));
    process = new ProcessBuilder(command).redirectError(log().toFile()).start();
    BufferedReader lines = process.inputReader(StandardCharsets.UTF_8);
    Matcher listening = LISTENING.matcher(String.valueOf(lines.readLine()));
    assertTrue(listening.matches(), () -> "it does not listen: " + logged());
    address = listening.group(1);
  }

  private Path log() {
    return folder.resolve("log.txt");
  }

  private String logged() {
    try {
      return Files.readString(log());
    } catch (IOException e) {
      return e.toString();
    }
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(address + path));
  }

  private HttpRequest generation(String json) {
    return request("/v1/images/generations")
        .header("Content-Type", "application/json")
        .header("Authorization", "Bearer " + KEY)
        .POST(HttpRequest.BodyPublishers.ofString(json))
        .build();
  }

  private int status(String path) throws IOException, InterruptedException {
    return client.send(request(path).build(), BodyHandlers.discarding()).statusCode();
  }

  private void terminate() throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-TERM", Long.toString(process.pid())).start().waitFor();
  }

  @Test
  void sigtermLetsWorkFinish() throws Exception {
    serve();
    assertEquals(200, status("/readyz"));
    CompletableFuture<HttpResponse<String>> picture =
        client.sendAsync(
            generation("{\"prompt\": \"a red circle\", \"seed\": 7, \"steps\": 60}"),
            BodyHandlers.ofString());
    while (!client
        .send(request("/metrics").build(), BodyHandlers.ofString())
        .body()
        .contains("blip3o_http_running 1.0")) {
      assertFalse(picture.isDone(), "the request is too short for this test");
    }
    terminate();
    assertEquals(200, picture.join().statusCode(), picture.join().body());
    assertTrue(picture.join().body().contains("b64_json"));
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(143, process.exitValue(), this::logged);
    assertFalse(logged().contains("red circle"), this::logged);
  }

  @Test
  void anIdleServerEndsAtOnceAndLeavesNothing() throws Exception {
    Path keys = Files.writeString(folder.resolve("keys.txt"), "alice " + KEY + "\n");
    serve("--keys=" + keys);
    assertEquals(200, status("/healthz"));
    assertEquals(401, status("/v1/models"));
    terminate();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(143, process.exitValue(), this::logged);
    assertTrue(logged().contains("by -: 401"), this::logged);
    assertFalse(logged().contains(folder.toString()), this::logged);
    assertFalse(logged().contains("\tat "), this::logged);
    try (Stream<Path> files = Files.list(folder)) {
      List<String> names = files.map(file -> file.getFileName().toString()).sorted().toList();
      assertEquals(List.of("keys.txt", "log.txt"), names.stream().filter(this::ours).toList());
    }
  }

  /** The JVM's and Netty's native libraries are their own business; uploads are not. */
  private boolean ours(String name) {
    return !name.startsWith("hsperfdata") && !name.startsWith("libnetty");
  }

  @Test
  void aPortInUseIsOneLine() throws Exception {
    serve();
    String port = address.substring(address.lastIndexOf(':') + 1);
    Command second = Command.run("serve", "--port=" + port, "--threads=1");
    assertEquals(1, second.code(), second.err());
    assertEquals(1, second.err().lines().count(), second.err());
    assertTrue(second.err().contains("can't listen at 127.0.0.1:" + port), second.err());
  }

  @Test
  void aServerWithinAProgramEndsWithItsToken() {
    CancellationToken token = new CancellationToken();
    token.cancel();
    Command command = Command.run(token, line -> {}, "serve", "--port=0", "--threads=1");
    assertEquals(0, command.code(), command.err());
    assertTrue(LISTENING.matcher(command.out().strip()).matches(), command.out());
  }

  /** What makes a picture needs to start quickly, and what serves is large. */
  @Test
  void noOtherCommandLoadsTheServer() throws Exception {
    for (List<String> words :
        List.of(
            List.of("--help"),
            List.of("generate", "a red circle", "--steps=1", "-q", "-o", folder + "/a.png"),
            List.of("serve", "--help"))) {
      List<String> command = java("-Xlog:class+load", "dev.blip3o.cli.Main");
      command.addAll(words);
      Process other = new ProcessBuilder(command).redirectErrorStream(true).start();
      String classes = new String(other.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, other.waitFor(), classes);
      assertTrue(classes.contains(" dev.blip3o.cli.ServeCommand "), "classes are listed");
      for (String of :
          List.of(" dev.blip3o.server.", " io.vertx.", " io.netty.", " io.micrometer.")) {
        assertFalse(classes.contains(of), words + " loads" + of);
      }
    }
  }
}
