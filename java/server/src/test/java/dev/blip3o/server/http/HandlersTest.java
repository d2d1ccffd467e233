package dev.blip3o.server.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.blip3o.Blip3oModel;
import dev.blip3o.DeviceLostException;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.InsufficientMemoryException;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.QueueFullException;
import dev.blip3o.micrometer.Blip3oMetrics;
import dev.blip3o.server.health.Health;
import dev.blip3o.server.health.Lifecycle;
import dev.blip3o.server.limits.ClientLimits;
import dev.blip3o.server.limits.KeyRing;
import dev.blip3o.server.openai.ApiException;
import dev.blip3o.server.pictures.PictureStore;
import dev.blip3o.server.pictures.StoredPicture;
import dev.blip3o.server.telemetry.ServerMetrics;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The handlers around pictures, with work that ends when the test says so. */
@Timeout(60)
class HandlersTest {
  private static final String KEY = "sk-0123456789-abcdef";
  private static final String OTHER_KEY = "sk-0123456789-ghijkl";

  private static Blip3oModel model;

  @TempDir Path folder;

  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final Lifecycle life = new Lifecycle();
  private final PictureStore pictures = new PictureStore(Duration.ofHours(1), 1 << 20);
  private final ServerMetrics metrics = new ServerMetrics(new Blip3oMetrics(model), life, pictures);
  private final ErrorHandler errors = new ErrorHandler(life, metrics);
  private final Connections connections = new Connections(Duration.ofMillis(50));
  private final HttpClient client = HttpClient.newHttpClient();
  private final BlockingQueue<RoutingContext> working = new LinkedBlockingQueue<>();
  private final List<LogRecord> log = new ArrayList<>();
  private final Logger logger = Logger.getLogger("dev.blip3o.server");
  private HttpServer server;

  private final Handler listener =
      new Handler() {
        @Override
        public synchronized void publish(LogRecord message) {
          log.add(message);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeAll
  static void open() {
    model = Blip3oModel.open(Path.of(System.getProperty("blip3o.root"), "weights", "demo"));
  }

  @AfterAll
  static void closeModel() {
    model.close();
  }

  @BeforeEach
  void listen() {
    listener.setLevel(Level.ALL);
    logger.addHandler(listener);
    life.ready();
  }

  @AfterEach
  void close() {
    logger.removeHandler(listener);
    vertx.close().toCompletionStage().toCompletableFuture().join();
    metrics.close();
  }

  private void start(Optional<KeyRing> keys, ClientLimits limits) {
    Gate gate = new Gate(keys, limits, life, metrics);
    Router router = Router.router(vertx);
    router.errorHandler(404, errors);
    router
        .route()
        .handler(new Exchanges(metrics))
        .handler(connections.requests())
        .failureHandler(errors);
    FileRoute.mount(router, pictures);
    router.get("/list").handler(Exchanges.route("/list")).handler(gate.key()).handler(c -> c.end());
    router
        .post("/work")
        .handler(Exchanges.route("/work"))
        .handler(gate.work())
        .handler(working::add);
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

  private KeyRing keys() throws IOException {
    String lines = "alice " + KEY + "\nbob " + OTHER_KEY + "\n";
    return new KeyRing(Files.writeString(folder.resolve("keys"), lines));
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + server.actualPort() + path);
  }

  private HttpResponse<String> get(String path, String key) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(uri(path));
    if (key != null) {
      request.header("Authorization", "Bearer " + key);
    }
    return client.send(request.build(), BodyHandlers.ofString());
  }

  private CompletableFuture<HttpResponse<String>> work(String key) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri("/work")).POST(HttpRequest.BodyPublishers.ofString("{}"));
    if (key != null) {
      request.header("Authorization", "Bearer " + key);
    }
    return client.sendAsync(request.build(), BodyHandlers.ofString());
  }

  private static void finish(RoutingContext context) {
    context.vertx().runOnContext(now -> context.end("done"));
  }

  private static JsonNode error(HttpResponse<String> response) throws IOException {
    return new ObjectMapper().readTree(response.body()).path("error");
  }

  private void assertCounted(String sample) {
    assertTrue(metrics.scrape().contains(sample), () -> sample + " in\n" + metrics.scrape());
  }

  @Test
  void aKeyIsAskedFor() throws Exception {
    start(Optional.of(keys()), new ClientLimits(0, 0));
    assertEquals(200, get("/list", KEY).statusCode());
    for (String wrong : new String[] {null, "sk-0123456789-abcdeg"}) {
      HttpResponse<String> refused = get("/list", wrong);
      assertEquals(401, refused.statusCode());
      assertEquals("invalid_api_key", error(refused).path("code").asText());
      assertEquals("Bearer", refused.headers().firstValue("WWW-Authenticate").orElseThrow());
      assertEquals(401, work(wrong).join().statusCode());
    }
    assertEquals(0, life.running());
    assertCounted("blip3o_http_refused_total{reason=\"key\"} 4.0");
  }

  @Test
  void aClientWaitsForItsOwnRequests() throws Exception {
    start(Optional.of(keys()), new ClientLimits(1, 0));
    CompletableFuture<HttpResponse<String>> first = work(KEY);
    RoutingContext running = working.take();
    HttpResponse<String> refused = work(KEY).join();
    assertEquals(429, refused.statusCode());
    assertEquals("1", refused.headers().firstValue("Retry-After").orElseThrow());
    assertEquals("rate_limit_exceeded", error(refused).path("code").asText());
    assertEquals(1, life.running());

    CompletableFuture<HttpResponse<String>> others = work(OTHER_KEY);
    finish(working.take());
    assertEquals("done", others.join().body());
    finish(running);
    assertEquals("done", first.join().body());
    CompletableFuture<HttpResponse<String>> next = work(KEY);
    finish(working.take());
    assertEquals(200, next.join().statusCode());
    assertCounted("blip3o_http_refused_total{reason=\"concurrency\"} 1.0");
  }

  @Test
  void aClientWaitsUntilItsMinuteIsOver() throws Exception {
    start(Optional.empty(), new ClientLimits(0, 1));
    CompletableFuture<HttpResponse<String>> first = work(null);
    finish(working.take());
    assertEquals(200, first.join().statusCode());
    HttpResponse<String> refused = work(null).join();
    assertEquals(429, refused.statusCode());
    int wait = Integer.parseInt(refused.headers().firstValue("Retry-After").orElseThrow());
    assertTrue(wait >= 1 && wait <= 60, () -> wait + " s");
    assertCounted("blip3o_http_refused_total{reason=\"rate\"} 1.0");
    assertEquals(200, get("/list", null).statusCode(), "what costs nothing is not counted");
  }

  @Test
  void whoGoesAwayGivesItsPlaceBack() throws Exception {
    start(Optional.empty(), new ClientLimits(1, 0));
    CompletableFuture<Void> gone = new CompletableFuture<>();
    try (Socket socket = new Socket("127.0.0.1", server.actualPort())) {
      String head = "POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
      socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      RoutingContext running = working.take();
      assertEquals(429, work(null).join().statusCode());
      // After the other handlers of the end, which run in the reverse of their order.
      running.addEndHandler(end -> vertx.runOnContext(now -> gone.complete(null)));
    }
    gone.join();
    assertEquals(0, life.running());
    CompletableFuture<HttpResponse<String>> next = work(null);
    finish(working.take());
    assertEquals(200, next.join().statusCode());
    assertCounted("route=\"/work\",status=\"499\"} 1");
  }

  @Test
  void aDrainingServerTakesNoWork() throws Exception {
    start(Optional.empty(), new ClientLimits(0, 0));
    CompletableFuture<HttpResponse<String>> first = work(null);
    RoutingContext running = working.take();
    life.drain();
    HttpResponse<String> refused = work(null).join();
    assertEquals(503, refused.statusCode());
    assertEquals("10", refused.headers().firstValue("Retry-After").orElseThrow());
    assertEquals("server_error", error(refused).path("type").asText());
    assertFalse(life.drained().isDone());
    finish(running);
    assertEquals(200, first.join().statusCode());
    life.drained().join();
  }

  @Test
  void aPictureIsAtItsAddressAlone() throws Exception {
    start(Optional.of(keys()), new ClientLimits(0, 0));
    byte[] bytes = {1, 2, 3};
    String id = pictures.put(new StoredPicture(bytes, "image/webp"));
    HttpResponse<String> found = get(FileRoute.PREFIX + id, null);
    assertEquals(200, found.statusCode());
    assertEquals("image/webp", found.headers().firstValue("Content-Type").orElseThrow());
    assertEquals("\1\2\3", found.body());
    String wrong = id.substring(0, 42) + (id.endsWith("A") ? "B" : "A");
    assertEquals(404, get(FileRoute.PREFIX + wrong, null).statusCode());
    assertEquals(404, get(FileRoute.PREFIX, null).statusCode());
    assertTrue(log.stream().noneMatch(message -> message.getMessage().contains(id)));
    assertFalse(metrics.scrape().contains(id));
  }

  private ApiException mapped(Throwable failure) {
    return errors.map(failure, 5);
  }

  @Test
  void failuresOfTheModelAreMapped() {
    assertEquals(400, mapped(new InvalidRequestException("x")).status());
    ApiException full =
        mapped(new CompletionException(new QueueFullException("private", Duration.ofMillis(2500))));
    assertEquals(429, full.status());
    assertEquals("queue_full", full.error().code());
    assertEquals("The queue is full. Try again in 3 s.", full.getMessage());
    assertEquals(Optional.of(Duration.ofMillis(2500)), full.retryAfter());
    assertCounted("blip3o_http_refused_total{reason=\"queue\"} 1.0");
    assertEquals(503, mapped(new GenerationCancelledException("x")).status());
    assertEquals(503, mapped(new InsufficientMemoryException("x")).status());
    assertEquals(Health.READY, life.health());
    assertEquals(503, mapped(new DeviceLostException("x")).status());
    assertEquals(Health.DEVICE_LOST, life.health());
  }

  @Test
  void failuresOfTheServerAreNumberedAndNotShown() throws Exception {
    start(Optional.empty(), new ClientLimits(0, 0));
    logger.setLevel(Level.INFO);
    CompletableFuture<HttpResponse<String>> first = work(null);
    RoutingContext running = working.take();
    running
        .vertx()
        .runOnContext(now -> running.fail(new IllegalStateException("/home/bob: a red circle")));
    HttpResponse<String> failed = first.join();
    logger.setLevel(null);
    assertEquals(500, failed.statusCode());
    assertEquals("server_error", error(failed).path("type").asText());
    String number = failed.headers().firstValue("X-Request-Id").orElseThrow().substring(4);
    assertTrue(error(failed).path("message").asText().contains("request " + number));
    assertFalse(failed.body().contains("red circle"), failed.body());
    LogRecord message = log.get(0);
    assertEquals(Level.SEVERE, message.getLevel());
    assertTrue(message.getMessage().startsWith("request " + number + ": java.lang.IllegalState"));
    for (LogRecord each : log) {
      assertFalse(each.getMessage().contains("bob"), each.getMessage());
      assertEquals(null, each.getThrown());
    }
  }

  @Test
  void aSilentClientIsSentAwayAndAWaitingOneIsNot() throws Exception {
    start(Optional.empty(), new ClientLimits(0, 0));
    CompletableFuture<HttpResponse<String>> waiting = work(null);
    RoutingContext running = working.take();
    try (Socket head = new Socket("127.0.0.1", server.actualPort());
        Socket body = new Socket("127.0.0.1", server.actualPort())) {
      head.setSoTimeout(10_000);
      body.setSoTimeout(10_000);
      head.getOutputStream().write("POST /wo".getBytes(StandardCharsets.US_ASCII));
      String half = "POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf";
      body.getOutputStream().write(half.getBytes(StandardCharsets.US_ASCII));
      assertNotEquals(null, working.take());
      long timer = vertx.setPeriodic(20, now -> connections.sweep());
      assertEquals(-1, head.getInputStream().read());
      assertEquals(-1, body.getInputStream().read());
      vertx.cancelTimer(timer);
    }
    finish(running);
    assertEquals(200, waiting.join().statusCode());
  }
}
