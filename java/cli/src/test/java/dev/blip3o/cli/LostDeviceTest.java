package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.ModelOptions;
import dev.blip3o.server.Blip3oServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

/** From the model's report of a lost device to the exit code of {@code serve}, over HTTP. */
@Timeout(60)
class LostDeviceTest {
  private static final Path DEMO = Path.of(System.getProperty("blip3o.root"), "weights", "demo");

  private final Blip3oModel demo = Blip3oModel.open(DEMO);
  private final LosableModel model = new LosableModel(demo);
  private final StringWriter err = new StringWriter();
  private final CompletableFuture<Blip3oServer> started = new CompletableFuture<>();
  private final CompletableFuture<Integer> exit = new CompletableFuture<>();
  private final HttpClient client = HttpClient.newHttpClient();
  private URI address;

  /** {@code serve}, but for the model that it opens. */
  @CommandLine.Command(name = "serve")
  private final class Serve implements Callable<Integer> {
    @CommandLine.Mixin private ServeArguments arguments;

    @Override
    public Integer call() {
      Environment environment =
          new Environment(Optional.empty(), false, new CancellationToken(), new ShutdownWait());
      PrintWriter out = new PrintWriter(new StringWriter());
      return new ServeRun(
              environment,
              out,
              new PrintWriter(err),
              Level.INFO,
              options -> {
                Blip3oServer server = Blip3oServer.start(options, model);
                started.complete(server);
                return server;
              })
          .run(arguments, DEMO, ModelOptions.defaults());
    }
  }

  @BeforeEach
  void serve() throws InterruptedException, ExecutionException {
    CommandLine commandLine =
        new CommandLine(new Serve())
            .setErr(new PrintWriter(err, true))
            .setExecutionExceptionHandler(new Failures());
    NumberConverters.register(commandLine);
    exit.thenAccept(code -> started.completeExceptionally(new AssertionError(err.toString())));
    new Thread(() -> exit.complete(commandLine.execute("--port", "0"))).start();
    address = URI.create("http://127.0.0.1:" + started.get().port());
  }

  @AfterEach
  void close() {
    started.join().close();
    demo.close();
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(address.resolve(path)).build(), BodyHandlers.ofString());
  }

  private CompletableFuture<HttpResponse<String>> draw() {
    String body = "{\"prompt\":\"a red circle\",\"steps\":1000,\"seed\":1}";
    HttpRequest request =
        HttpRequest.newBuilder(address.resolve("/v1/images/generations"))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build();
    return client.sendAsync(request, BodyHandlers.ofString());
  }

  private static void assertUnavailable(HttpResponse<String> answer) {
    assertEquals(503, answer.statusCode(), answer.body());
    assertTrue(answer.headers().firstValue("Retry-After").isPresent());
    assertTrue(answer.body().contains("\"code\":\"unavailable\""), answer.body());
    assertFalse(answer.body().contains("/dev/"), answer.body());
  }

  private void assertEndedWithAnError() {
    assertEquals(1, exit.join());
    assertTrue(
        err.toString().contains("the device was lost, so that no more pictures"), err::toString);
    assertFalse(err.toString().contains("\tat "), err::toString);
  }

  @Test
  void aLostDeviceTurnsHealthRedDrainsAndEndsTheProcess() throws Exception {
    assertEquals(200, get("/healthz").statusCode());
    assertEquals(200, get("/readyz").statusCode());
    CompletableFuture<HttpResponse<String>> running = draw();
    while (demo.metrics().running() == 0) {
      Thread.onSpinWait();
    }

    model.lose();
    HttpResponse<String> health = get("/healthz");
    while (health.statusCode() == 200) { // The server looks at its model every second.
      health = get("/healthz");
    }
    assertEquals(503, health.statusCode());
    assertTrue(health.body().contains("\"status\":\"device_lost\""), health.body());
    assertEquals(503, get("/readyz").statusCode());
    assertUnavailable(draw().join());
    assertFalse(running.isDone(), "what runs is waited for");
    assertFalse(exit.isDone());

    model.failJobs();
    assertUnavailable(running.join());
    assertEndedWithAnError();
    assertTrue(
        draw().handle((answer, failure) -> failure).join().getCause() instanceof ConnectException);
  }

  @Test
  void aRequestThatFailsSoIsEnough() {
    CompletableFuture<HttpResponse<String>> running = draw();
    while (demo.metrics().running() == 0) {
      Thread.onSpinWait();
    }
    model.failJobs();
    assertUnavailable(running.join());
    assertEndedWithAnError();
  }
}
