package dev.blip3o.server.openai;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * A request that is answered by an error object. Its message is for the client: it holds no path
 * and nothing of the inside.
 */
public final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final ApiError error;
  private final Duration retryAfter;

  /**
   * Creates it.
   *
   * @param status of HTTP
   * @param retryAfter when to try again, or null
   */
  public ApiException(int status, ApiError error, Duration retryAfter) {
    // Refusing has to be cheap: no stack trace.
    super(Objects.requireNonNull(error, "error").message(), null, false, false);
    this.status = status;
    this.error = error;
    this.retryAfter = retryAfter;
  }

  /** A request that is wrong; {@code param} names the field, or is null. */
  public static ApiException invalid(String message, String param) {
    return new ApiException(
        400, new ApiError(message, ApiError.INVALID_REQUEST, param, null), null);
  }

  /** The status of HTTP. */
  public int status() {
    return status;
  }

  /** The error object. */
  public ApiError error() {
    return error;
  }

  /** After this time to try again. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }
}
