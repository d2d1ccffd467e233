package dev.blip3o.server.http;

import dev.blip3o.server.health.Lifecycle;
import dev.blip3o.server.health.Work;
import dev.blip3o.server.limits.ClientLimits;
import dev.blip3o.server.limits.KeyRing;
import dev.blip3o.server.limits.LimitExceededException;
import dev.blip3o.server.limits.Permit;
import dev.blip3o.server.openai.ApiError;
import dev.blip3o.server.openai.ApiException;
import dev.blip3o.server.telemetry.Refusal;
import dev.blip3o.server.telemetry.ServerMetrics;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.Optional;

/**
 * Lets requests for pictures in: those with a key, where keys are asked for, within the limits of
 * their client, while the server takes work. What it hands out for a request it takes back when the
 * answer has ended or the client has gone.
 *
 * <p>It stands before the body is read: who is refused uploads nothing.
 */
public final class Gate {
  private static final Duration RESTART = Duration.ofSeconds(10);

  private final Optional<KeyRing> keys;
  private final ClientLimits limits;
  private final Lifecycle life;
  private final ServerMetrics metrics;

  /** A gate; without keys everyone may pass, and clients are told apart by their addresses. */
  public Gate(Optional<KeyRing> keys, ClientLimits limits, Lifecycle life, ServerMetrics metrics) {
    this.keys = keys;
    this.limits = limits;
    this.life = life;
    this.metrics = metrics;
  }

  /** For requests that cost nothing: asks for a key alone. */
  public Handler<RoutingContext> key() {
    return context -> {
      client(context);
      context.next();
    };
  }

  /**
   * For requests for pictures: asks for a key, the client's limits and a server that takes work.
   */
  public Handler<RoutingContext> work() {
    return context -> {
      String client = client(context);
      // Before the limits: a server that ends has nothing to count.
      Work work = life.begin().orElseThrow(this::unavailable);
      context.addEndHandler(end -> work.close());
      Permit permit = permit(client);
      context.addEndHandler(end -> permit.close());
      context.next();
    };
  }

  private String client(RoutingContext context) {
    if (keys.isEmpty()) {
      return context.request().remoteAddress().hostAddress();
    }
    String name =
        keys.get()
            .owner(context.request().getHeader("Authorization"))
            .orElseThrow(this::unauthorized);
    Exchanges.client(context, name);
    return name;
  }

  private Permit permit(String client) {
    try {
      return limits.enter(client);
    } catch (LimitExceededException e) {
      metrics.refused(
          e.reason() == LimitExceededException.Reason.RATE ? Refusal.RATE : Refusal.CONCURRENCY);
      throw new ApiException(
          429,
          new ApiError(e.getMessage(), ApiError.RATE_LIMIT, null, "rate_limit_exceeded"),
          e.retryAfter());
    }
  }

  private ApiException unauthorized() {
    metrics.refused(Refusal.KEY);
    return new ApiException(
        401,
        new ApiError(
            "This server asks for a key: send the header 'Authorization: Bearer KEY' with one that"
                + " it knows.",
            ApiError.INVALID_REQUEST,
            null,
            "invalid_api_key"),
        null);
  }

  private ApiException unavailable() {
    metrics.refused(Refusal.UNAVAILABLE);
    return new ApiException(
        503,
        new ApiError(
            "No pictures are made now: " + life.health().sentence() + ".",
            ApiError.SERVER,
            null,
            "unavailable"),
        RESTART);
  }
}
