package dev.blip3o.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.ModelOptions;
import dev.blip3o.server.health.Health;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that go away, models that end, queues that are full: while pictures are on their way. */
@Timeout(120)
class GoneClientsTest {
  private static final Path DEMO = Path.of(System.getProperty("blip3o.root"), "weights", "demo");
  private static final String LONG = "\"prompt\":\"a red circle\",\"steps\":1000,\"seed\":1";

  private Blip3oModel model;
  private Blip3oServer server;

  @BeforeEach
  void start() {
    serve(ModelOptions.defaults());
  }

  private void serve(ModelOptions modelOptions) {
    model = Blip3oModel.open(DEMO, modelOptions);
    ServerOptions options =
        ServerOptions.builder(DEMO).port(0).keepAliveInterval(Duration.ofMillis(20)).build();
    server = Blip3oServer.start(options, model);
  }

  @AfterEach
  void stop() {
    server.close();
    model.close();
  }

  private static void await(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      Thread.yield(); // The test's time limit ends it.
    }
  }

  private boolean idle() {
    return model.metrics().running() == 0 && model.metrics().queued() == 0;
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
    socket.setSoTimeout(60_000); // No interrupt ends a read.
    return socket;
  }

  private static void send(Socket socket, String body, int missing) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    String head =
        "POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\n"
            + "Content-Type: application/json\r\nContent-Length: "
            + (bytes.length + missing)
            + "\r\n\r\n";
    OutputStream out = socket.getOutputStream();
    out.write(head.getBytes(StandardCharsets.UTF_8));
    out.write(bytes);
    out.flush();
  }

  private static BufferedReader lines(Socket socket) throws IOException {
    return new BufferedReader(
        new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
  }

  private static String find(BufferedReader lines, String start) throws IOException {
    String line = lines.readLine();
    while (line != null && !line.startsWith(start)) {
      line = lines.readLine();
    }
    return line;
  }

  @Test
  void whoGoesWhilePicturesAreDrawnCancelsAllOfThem() throws IOException {
    try (Socket socket = connect()) {
      send(socket, "{\"n\":3," + LONG + "}", 0);
      await(() -> model.metrics().running() > 0);
    }
    await(this::idle);
    assertEquals(3, model.metrics().cancelled());
    assertEquals(0, model.metrics().done());
  }

  @Test
  void whoGoesWithinAStreamCancelsIt() throws IOException {
    try (Socket socket = connect()) {
      send(socket, "{\"stream\":true," + LONG + "}", 0);
      BufferedReader lines = lines(socket);
      assertEquals("HTTP/1.1 200 OK", lines.readLine());
      assertTrue(find(lines, ": keep-alive") != null, "no comment keeps the stream alive");
    }
    await(this::idle);
    assertEquals(1, model.metrics().cancelled());
  }

  @Test
  void whoGoesWithinTheBodyLeavesNothing() throws IOException {
    try (Socket socket = connect()) {
      send(socket, "{\"n\":3," + LONG + "}", 10);
    }
    try (Socket socket = connect()) {
      send(socket, "{}", 0);
      assertEquals("HTTP/1.1 400 Bad Request", lines(socket).readLine());
    }
    assertEquals(0, model.metrics().submitted());
  }

  @Test
  void aFailureWithinAStreamIsItsLastEvent() throws IOException {
    try (Socket socket = connect()) {
      send(socket, "{\"stream\":true,\"progress\":true," + LONG + "}", 0);
      BufferedReader lines = lines(socket);
      assertTrue(find(lines, "event: image_generation.progress") != null);
      model.close();
      assertTrue(find(lines, "event: error") != null, "no error was told");
      String data = lines.readLine();
      assertTrue(data.startsWith("data: {\"error\":{\"message\":"), data);
      assertTrue(data.contains("\"type\":\"server_error\""), data);
      for (String line = lines.readLine(); !line.equals("0"); line = lines.readLine()) {
        assertFalse(line.startsWith("event:"), line); // Until the last chunk, which is empty.
      }
    }
  }

  @Test
  void aDrainWaitsUntilAnswersAreRead() throws IOException {
    try (Socket socket = connect()) {
      String ask = "GET /style.css HTTP/1.1\r\nHost: localhost\r\n";
      String all = (ask + "\r\n").repeat(2000) + ask + "Connection: close\r\n\r\n";
      socket.getOutputStream().write(all.getBytes(StandardCharsets.US_ASCII));
      // More than the system's buffers hold: in the end a drain does not.
      await(() -> !server.drain(Duration.ofMillis(50)));
      CompletableFuture<Boolean> drained =
          CompletableFuture.supplyAsync(() -> server.drain(Duration.ofSeconds(60)));
      long read = socket.getInputStream().transferTo(OutputStream.nullOutputStream());
      assertTrue(read > 2000 * 1000, read + " bytes");
      assertTrue(drained.join());
    }
  }

  @Test
  void aFullQueueTellsWhenToComeAgain() throws IOException {
    long one;
    try (Socket socket = connect()) {
      send(socket, "{" + LONG + "}", 0);
      await(() -> model.metrics().steps() > 0);
      one = model.metrics().memoryPeakBytes();
    }
    stop();
    serve(ModelOptions.builder().queueLimit(4).memoryLimitBytes(one + one / 10).build());
    List<Socket> sockets = new ArrayList<>();
    try (Socket socket = connect()) {
      // With ten more they are more than may wait and have memory to be started.
      for (int i = 0; i < 4; i++) {
        Socket busy = connect();
        sockets.add(busy);
        send(busy, "{\"n\":1," + LONG + "}", 0);
      }
      await(() -> model.metrics().submitted() == 4);
      send(socket, "{\"n\":10," + LONG + "}", 0);
      BufferedReader lines = lines(socket);
      assertEquals("HTTP/1.1 429 Too Many Requests", lines.readLine());
      assertTrue(find(lines, "Retry-After: ").matches("Retry-After: [1-9]\\d*"));
      while (!lines.readLine().isEmpty()) {
        continue; // Other headers.
      }
      char[] body = new char[14];
      assertEquals(14, lines.read(body));
      assertEquals("{\"error\":{\"mes", new String(body));
      assertEquals(Health.READY, server.health());
    } finally {
      for (Socket busy : sockets) {
        busy.close();
      }
    }
    await(this::idle);
  }
}
