package dev.blip3o.server;

import dev.blip3o.Blip3oModel;
import dev.blip3o.server.health.End;
import dev.blip3o.server.health.Health;
import dev.blip3o.server.health.Lifecycle;
import dev.blip3o.server.http.Connections;
import dev.blip3o.server.limits.KeyRing;
import dev.blip3o.server.model.ServedModel;
import dev.blip3o.server.pictures.PictureStore;
import dev.blip3o.server.telemetry.ServerMetrics;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import java.net.BindException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running HTTP server with OpenAI's images API on one model.
 *
 * <pre>{@code
 * ServerOptions options = ServerOptions.builder(Path.of("weights/demo")).port(8080).build();
 * try (Blip3oServer server = Blip3oServer.start(options)) {
 *   server.ended().join();
 * }
 * }</pre>
 *
 * <p>When the model's device is lost the server takes no more work, is not healthy, finishes what
 * it can, closes itself and completes {@link #ended} with {@link End#DEVICE_LOST}: the process
 * should end then, for its supervisor to start it anew.
 *
 * <p>Threads: any thread may call any method, but not one that a request is handled on: {@link
 * #drain} and {@link #close} wait for those.
 */
public final class Blip3oServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("dev.blip3o.server");
  private static final long WATCH_MILLIS = 1000;

  /** How often a drain looks whether answers are still to be sent. */
  private static final long SENT_MILLIS = 20;

  /** For answers of which nobody waits until they are sent: those of a server that is closed. */
  private static final long FLUSH_MILLIS = 1000;

  private final ServerOptions options;
  private final ServedModel model;
  private final boolean ownsModel;
  private final Lifecycle life = new Lifecycle();
  private final PictureStore pictures;
  private final ServerMetrics metrics;
  private final Connections connections;
  private final Vertx vertx;
  private final AtomicBoolean closed = new AtomicBoolean();
  private HttpServer server;

  private Blip3oServer(ServerOptions options, ServedModel model, boolean ownsModel) {
    this.options = options;
    this.model = model;
    this.ownsModel = ownsModel;
    this.pictures = new PictureStore(options.urlTtl(), options.urlStoreBytes());
    this.metrics = new ServerMetrics(model.meters(), life, pictures);
    this.connections = new Connections(options.readTimeout());
    this.vertx = Vertx.vertx(vertxOptions());
  }

  /**
   * Opens the model and serves it.
   *
   * @throws dev.blip3o.InvalidRequestException if the keys file is not as it should be, or an
   *     option does not fit the checkpoint
   * @throws ServerException if the address can't be listened at
   * @throws dev.blip3o.Blip3oException as {@link Blip3oModel#open} throws it
   */
  public static Blip3oServer start(ServerOptions options) {
    Optional<KeyRing> keys = options.keysFile().map(KeyRing::new);
    Blip3oModel model = Blip3oModel.open(options.modelDirectory(), options.modelOptions());
    return start(options, keys, ServedModel.of(model), true);
  }

  /**
   * Serves a model that is open already, and stays open when the server is closed. Its own options
   * hold, not those of {@code options}.
   *
   * @throws dev.blip3o.InvalidRequestException if the keys file is not as it should be
   * @throws ServerException if the address can't be listened at
   */
  public static Blip3oServer start(ServerOptions options, Blip3oModel model) {
    return start(options, ServedModel.of(model));
  }

  /**
   * Serves what stands for a model, and stays open when the server is closed.
   *
   * @throws dev.blip3o.InvalidRequestException if the keys file is not as it should be
   * @throws ServerException if the address can't be listened at
   */
  public static Blip3oServer start(ServerOptions options, ServedModel model) {
    Objects.requireNonNull(model, "model");
    return start(options, options.keysFile().map(KeyRing::new), model, false);
  }

  private static Blip3oServer start(
      ServerOptions options, Optional<KeyRing> keys, ServedModel model, boolean ownsModel) {
    Blip3oServer server = new Blip3oServer(options, model, ownsModel);
    try {
      server.listen(keys);
      return server;
    } catch (RuntimeException | Error e) {
      server.close();
      throw e;
    }
  }

  private void listen(Optional<KeyRing> keys) {
    Routes routes = new Routes(options, model, keys, life, pictures, metrics, connections);
    server =
        vertx
            .createHttpServer(httpOptions())
            .connectionHandler(connections::opened)
            .exceptionHandler(failure -> LOG.debug("a connection failed", failure))
            .requestHandler(routes.router(vertx));
    try {
      await(server.listen(options.port(), options.host()));
    } catch (CompletionException e) {
      throw cantListen(e.getCause());
    }
    vertx.setPeriodic(WATCH_MILLIS, timer -> watch());
    long sweep = Math.max(1, connections.interval().toMillis());
    vertx.setPeriodic(sweep, timer -> connections.sweep());
    life.ending().thenAccept(this::leave);
    life.ready();
    warnIfOpen(keys);
    LOG.info("serving {} on {}", options.modelAliases(), model.info().backend());
  }

  private void warnIfOpen(Optional<KeyRing> keys) {
    if (keys.isEmpty() && !Loopback.is(options.host())) {
      LOG.warn("whoever reaches this server can ask it for pictures: no keys were given");
    }
  }

  private ServerException cantListen(Throwable cause) {
    String address = options.host() + ":" + options.port();
    String reason =
        cause instanceof BindException
            ? "the port is in use already, or not allowed; choose another"
            : "expected an address of this machine (" + cause.getClass().getSimpleName() + ")";
    return new ServerException("can't listen at " + address + ": " + reason, cause);
  }

  private static VertxOptions vertxOptions() {
    // Neither of the two caches, which would write files: nothing is served from a folder.
    FileSystemOptions files =
        new FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false);
    return new VertxOptions()
        .setEventLoopPoolSize(1)
        .setUseDaemonThread(true)
        .setFileSystemOptions(files);
  }

  private static HttpServerOptions httpOptions() {
    // Clients of images APIs speak HTTP/1.1; a proxy that adds TLS speaks HTTP/2 to browsers.
    return new HttpServerOptions().setHttp2ClearTextEnabled(false);
  }

  private void watch() {
    pictures.removeExpired();
    if (life.health() != Health.DEVICE_LOST && !healthy()) {
      life.deviceLost();
    }
  }

  /** A model that its owner has closed is no lost device. */
  private boolean healthy() {
    try {
      return model.metrics().healthy();
    } catch (IllegalStateException e) {
      return true;
    }
  }

  private void leave(End reason) {
    if (reason == End.DEVICE_LOST) {
      LOG.error("the device was lost: the server finishes what it has and ends");
      Thread thread = new Thread(this::drainAndClose, "blip3o-server-end");
      thread.start();
    }
  }

  private void drainAndClose() {
    drain(options.drainTimeout());
    close();
  }

  /** The TCP port that the server listens at. */
  public int port() {
    return server.actualPort();
  }

  /** How the server is. */
  public Health health() {
    return life.health();
  }

  /** Completes when the server has ended, with the reason. */
  public CompletableFuture<End> ended() {
    return life.ended();
  }

  /**
   * Takes no more work, and waits until what is under way has ended and its answers are sent. The
   * server goes on to tell that it is not ready, until {@link #close}.
   *
   * @return whether all has ended within {@code timeout}; if not, it goes on
   */
  public boolean drain(Duration timeout) {
    long begin = System.nanoTime();
    life.drain();
    if (!ends(life.drained(), timeout)) {
      LOG.warn("{} requests have not ended in time, and are cancelled", life.running());
      return false;
    }
    if (!ends(sent(), timeout.minusNanos(System.nanoTime() - begin))) {
      LOG.warn("clients have not read their answers in time, and are cut off");
      return false;
    }
    return true;
  }

  private static boolean ends(CompletableFuture<Void> future, Duration timeout) {
    try {
      future.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException("a drain never fails", e);
    } finally {
      future.cancel(false);
    }
  }

  /** Completes when nothing waits to be sent: an answer has ended as soon as it is handed over. */
  private CompletableFuture<Void> sent() {
    if (closed.get()) {
      return CompletableFuture.completedFuture(null);
    }
    CompletableFuture<Void> sent = new CompletableFuture<>();
    life.ended().thenAccept(end -> sent.complete(null)); // A close takes the timer with it.
    Handler<Long> look =
        timer -> {
          if (!connections.sending()) {
            sent.complete(null);
          }
        };
    long timer = vertx.setPeriodic(SENT_MILLIS, look);
    sent.whenComplete((nothing, end) -> vertx.cancelTimer(timer));
    return sent;
  }

  /**
   * Ends at once what is under way, and the server; to let it finish call {@link #drain} before. A
   * second call has no effect, but waits as the first does.
   */
  @Override
  public void close() {
    life.drain();
    if (!closed.compareAndSet(false, true)) {
      life.ended().join();
      return;
    }
    try {
      if (ownsModel) {
        model.close();
      }
      if (server != null) {
        await(server.shutdown(FLUSH_MILLIS, TimeUnit.MILLISECONDS));
      }
      await(vertx.close());
    } finally {
      pictures.clear();
      metrics.close();
      life.closed();
    }
  }

  private static <T> T await(Future<T> future) {
    return future.toCompletionStage().toCompletableFuture().join();
  }
}
