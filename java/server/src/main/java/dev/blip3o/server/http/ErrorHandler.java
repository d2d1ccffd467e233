package dev.blip3o.server.http;

import dev.blip3o.DeviceLostException;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.InsufficientMemoryException;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.QueueFullException;
import dev.blip3o.server.health.Lifecycle;
import dev.blip3o.server.limits.RetryAfter;
import dev.blip3o.server.openai.ApiError;
import dev.blip3o.server.openai.ApiException;
import dev.blip3o.server.telemetry.Refusal;
import dev.blip3o.server.telemetry.ServerMetrics;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What failed becomes an error object. Clients learn what they can mend; of a failure of the server
 * they get its number alone, and so does the log: what was thrown is named there by its class, and
 * shown whole at level DEBUG only, since messages may hold paths or words of a prompt.
 */
public final class ErrorHandler implements Handler<RoutingContext> {
  private static final Logger LOG = LoggerFactory.getLogger("dev.blip3o.server");
  private static final Duration RESTART = Duration.ofSeconds(10);

  private final Lifecycle life;
  private final ServerMetrics metrics;

  /** Tells {@code life} of a lost device, and {@code metrics} of refusals by the model's queue. */
  public ErrorHandler(Lifecycle life, ServerMetrics metrics) {
    this.life = life;
    this.metrics = metrics;
  }

  @Override
  public void handle(RoutingContext context) {
    HttpServerResponse response = context.response();
    ApiException error = error(context);
    if (response.headWritten() || response.closed()) {
      // The answer has begun: all that is left is to break it off.
      response.reset();
      return;
    }
    // Also where the request is so broken that no other handler has seen it.
    SecurityHeaders.put(response.headers());
    response.setStatusCode(error.status());
    error
        .retryAfter()
        .ifPresent(wait -> response.putHeader("Retry-After", RetryAfter.header(wait)));
    if (error.status() == 401) {
      response.putHeader("WWW-Authenticate", "Bearer");
    }
    if (!context.request().isEnded()) {
      // What the client still sends nobody reads.
      response.putHeader("Connection", "close");
    }
    response.putHeader("Content-Type", "application/json");
    response.end(error.error().toJson().toString());
  }

  /** What Vert.x itself refuses has a status of 4xx, or neither status nor failure. */
  private ApiException error(RoutingContext context) {
    Throwable failure = context.failure();
    int status = context.statusCode();
    if (failure instanceof ApiException || (failure != null && (status < 400 || status >= 500))) {
      return map(failure, Exchanges.id(context));
    }
    return ofStatus(status < 400 ? 400 : status);
  }

  /**
   * The error object of a failure.
   *
   * @param id the request's number, for the log
   */
  public ApiException map(Throwable failure, long id) {
    if (failure instanceof CompletionException wrapper && wrapper.getCause() != null) {
      return map(wrapper.getCause(), id);
    }
    if (failure instanceof ApiException api) {
      return api;
    }
    if (failure instanceof InvalidRequestException) {
      return ApiException.invalid(failure.getMessage(), null);
    }
    if (failure instanceof QueueFullException full) {
      return queueFull(full);
    }
    if (failure instanceof DeviceLostException) {
      life.deviceLost();
      LOG.error("request {}: the device was lost", id);
      return unavailable("The device that draws pictures was lost; the server is started anew.");
    }
    if (failure instanceof GenerationCancelledException) {
      return unavailable("The server shuts down, before the picture was finished.");
    }
    if (failure instanceof InsufficientMemoryException) {
      LOG.warn("request {}: there is not enough memory for it", id);
      return unavailable("The server has not enough memory for this request.");
    }
    return internal(failure, id);
  }

  private ApiException queueFull(QueueFullException full) {
    metrics.refused(Refusal.QUEUE);
    String message =
        "The queue is full. Try again in " + RetryAfter.header(full.retryAfter()) + " s.";
    return new ApiException(
        429, new ApiError(message, ApiError.RATE_LIMIT, null, "queue_full"), full.retryAfter());
  }

  private static ApiException unavailable(String message) {
    return new ApiException(
        503, new ApiError(message, ApiError.SERVER, null, "unavailable"), RESTART);
  }

  private static ApiException internal(Throwable failure, long id) {
    LOG.error("request {}: {}; level DEBUG shows more", id, failure.getClass().getName());
    LOG.debug("request {} failed", id, failure);
    String message = "The server failed. Its log tells more at request " + id + ".";
    return new ApiException(500, new ApiError(message, ApiError.SERVER, null, null), null);
  }

  private static ApiException ofStatus(int status) {
    String message =
        switch (status) {
          case 404 -> "There is nothing at this address.";
          case 405 -> "This address does not take this method.";
          case 413 -> "The request is larger than this server takes.";
          case 415 -> "The request's Content-Type is none that this address takes.";
          default -> status < 500 ? "The request can't be read." : "The server failed.";
        };
    String type = status < 500 ? ApiError.INVALID_REQUEST : ApiError.SERVER;
    return new ApiException(status, new ApiError(message, type, null, null), null);
  }
}
