package dev.blip3o.server.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Slow and silent clients, with a clock that goes when the test says so. */
@Timeout(20)
class ConnectionsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int LEAST = 30 * (int) Connections.LEAST_RATE;
  private static final int MIB = 1 << 20;

  private final AtomicLong nanos = new AtomicLong();
  private final Connections connections = new Connections(PATIENCE, nanos::get);
  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final BlockingQueue<RoutingContext> requests = new LinkedBlockingQueue<>();
  private HttpServer server;

  @BeforeEach
  void listen() {
    Router router = Router.router(vertx);
    router
        .route()
        .handler(connections.requests())
        .handler(
            context -> {
              context.request().handler(chunk -> {});
              requests.add(context);
            });
    server =
        vertx
            .createHttpServer(new HttpServerOptions().setHttp2ClearTextEnabled(false))
            .connectionHandler(connections::opened)
            .requestHandler(router)
            .listen(0, "127.0.0.1")
            .toCompletionStage()
            .toCompletableFuture()
            .join();
  }

  @AfterEach
  void close() {
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(1 << 16);
    socket.setSoTimeout(30_000);
    socket.connect(new InetSocketAddress("127.0.0.1", server.actualPort()));
    return socket;
  }

  private static void send(Socket socket, byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  private RoutingContext request(Socket socket, int length) throws Exception {
    String head = "POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + "\r\n\r\n";
    send(socket, head.getBytes(StandardCharsets.US_ASCII));
    return requests.take();
  }

  /** Runs on the event loop, and waits for it. */
  private void onLoop(RoutingContext context, Runnable work) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    context
        .vertx()
        .runOnContext(
            now -> {
              work.run();
              done.complete(null);
            });
    done.join();
  }

  /** A quarter of the patience passes. */
  private void pass(RoutingContext context) {
    nanos.addAndGet(connections.interval().toNanos());
    onLoop(context, connections::sweep);
  }

  private static void await(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      assertFalse(Thread.interrupted(), "the test's time is over");
      Thread.yield();
    }
  }

  private static boolean ended(Socket socket) throws IOException {
    try {
      return socket.getInputStream().read() < 0;
    } catch (SocketException e) {
      return true; // Reset.
    }
  }

  @Test
  void aBodyOfAByteNowAndThenIsTooSlow() throws Exception {
    try (Socket socket = connect()) {
      RoutingContext context = request(socket, 1000);
      for (int k = 1; k <= 4; k++) {
        send(socket, new byte[1]);
        long expected = k;
        await(() -> context.request().bytesRead() == expected);
        pass(context);
      }
      assertTrue(ended(socket));
    }
  }

  @Test
  void aBodyThatComesSlowlyMayTakeLong() throws Exception {
    try (Socket socket = connect()) {
      RoutingContext context = request(socket, 10 * LEAST);
      for (int k = 1; k <= 40; k++) {
        send(socket, new byte[LEAST / 4]);
        long expected = k * (long) (LEAST / 4);
        await(() -> context.request().bytesRead() == expected);
        pass(context);
      }
      assertEquals(1, connections.size());
    }
  }

  @Test
  void whoGoesOnToSendWhatWasRefusedIsSentAway() throws Exception {
    try (Socket socket = connect()) {
      RoutingContext context = request(socket, 100 * LEAST);
      onLoop(context, () -> context.response().setStatusCode(413).end());
      for (int k = 1; k <= 4; k++) {
        send(socket, new byte[LEAST]);
        long expected = k * (long) LEAST;
        await(() -> context.request().bytesRead() == expected);
        pass(context);
      }
      await(() -> connections.size() == 0);
    }
  }

  @Test
  void whoWasRefusedOnceMayWaitForTheNextAnswer() throws Exception {
    try (Socket socket = connect()) {
      RoutingContext refused = request(socket, 10);
      onLoop(refused, () -> refused.response().setStatusCode(401).end());
      send(socket, new byte[10]);
      RoutingContext context = request(socket, 0);
      for (int k = 0; k < 20; k++) {
        pass(context);
      }
      onLoop(context, () -> context.response().end());
      assertEquals(1, connections.size());
    }
  }

  @Test
  void whoDoesNotReadTheAnswerIsSentAway() throws Exception {
    try (Socket socket = connect()) {
      RoutingContext context = request(socket, 0);
      pass(context);
      onLoop(context, () -> context.response().end(Buffer.buffer(new byte[32 * MIB])));
      pass(context); // The system takes what its buffers hold.
      for (int k = 0; k < 8; k++) {
        pass(context);
      }
      await(() -> connections.size() == 0);
    }
  }

  @Test
  void whoReadsSlowlyGetsAllOfTheAnswer() throws Exception {
    try (Socket socket = connect()) {
      RoutingContext context = request(socket, 0);
      onLoop(context, () -> context.response().end(Buffer.buffer(new byte[64 * MIB])));
      InputStream in = socket.getInputStream();
      long read = 0;
      while (read < 64 * MIB) {
        read += in.readNBytes(4 * MIB).length; // Within four of them more than all buffers hold.
        pass(context);
        assertEquals(1, connections.size(), "after " + read + " bytes");
      }
    }
  }

  @Test
  void anAnswerIsSentWhenItsClientHasReadIt() throws Exception {
    try (Socket socket = connect()) {
      RoutingContext context = request(socket, 0);
      assertFalse(sending(context));
      onLoop(context, () -> context.response().end(Buffer.buffer(new byte[64 * MIB])));
      assertTrue(sending(context), "more than all buffers hold");
      socket.getInputStream().skipNBytes(64 * MIB);
      await(() -> !sending(context));
    }
  }

  private boolean sending(RoutingContext context) {
    CompletableFuture<Boolean> sending = new CompletableFuture<>();
    onLoop(context, () -> sending.complete(connections.sending()));
    return sending.join();
  }

  @Test
  void whoReadsAStreamMayWaitForItsEvents() throws Exception {
    try (Socket socket = connect()) {
      RoutingContext context = request(socket, 0);
      onLoop(context, () -> context.response().setChunked(true).write(": begun\n\n"));
      InputStream in = socket.getInputStream();
      for (int k = 0; k < 20; k++) {
        onLoop(context, () -> context.response().write(": keep-alive\n\n"));
        while (in.read() != 'v') {
          continue; // Of the word.
        }
        pass(context);
      }
      assertEquals(1, connections.size());
    }
  }

  @Test
  void whoDoesNotReadAStreamIsSentAway() throws Exception {
    try (Socket socket = connect()) {
      RoutingContext context = request(socket, 0);
      onLoop(
          context, () -> context.response().setChunked(true).write(new String(new char[16 * MIB])));
      for (int k = 0; k < 10; k++) {
        onLoop(context, () -> context.response().write(": keep-alive\n\n"));
        pass(context);
      }
      await(() -> connections.size() == 0);
    }
  }
}
