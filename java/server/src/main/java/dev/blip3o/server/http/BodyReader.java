package dev.blip3o.server.http;

import dev.blip3o.server.openai.ApiError;
import dev.blip3o.server.openai.ApiException;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.io.ByteArrayOutputStream;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Reads one request's body into memory; nothing of it ever touches the disk.
 *
 * <p>Threads: for the event loop alone.
 */
final class BodyReader {
  private static final String JSON = "application/json";
  private static final String FORM = "multipart/form-data";

  private final HttpServerRequest request;
  private final RoutingContext context;
  private final PictureCall call;
  private final long maxBytes;
  private final Promise<RequestBody> promise = Promise.promise();
  private ByteArrayOutputStream body = new ByteArrayOutputStream();
  private Optional<String> boundary = Optional.empty();

  private BodyReader(RoutingContext context, PictureCall call, long maxBytes) {
    this.context = context;
    this.request = context.request();
    this.call = call;
    this.maxBytes = maxBytes;
  }

  /**
   * Reads the body.
   *
   * @param forms whether a form is taken beside JSON
   * @return fails with {@link ApiException}: 413, 415, or 400 where it is broken
   */
  static Future<RequestBody> read(
      RoutingContext context, PictureCall call, long maxBytes, boolean forms) {
    return new BodyReader(context, call, maxBytes).start(forms);
  }

  private Future<RequestBody> start(boolean forms) {
    HeaderValue type = contentType();
    boolean form = forms && type.word().equals(FORM);
    if (!form && !type.word().equals(JSON)) {
      return Future.failedFuture(unsupported(forms));
    }
    if (announced().filter(length -> length > maxBytes).isPresent()) {
      return Future.failedFuture(tooLarge());
    }
    if (form) {
      boundary =
          type.parameter("boundary").filter(text -> text.length() <= FormReader.MAX_BOUNDARY);
      if (boundary.isEmpty()) {
        return Future.failedFuture(noBoundary());
      }
    }
    request.exceptionHandler(failure -> fail(broken()));
    request.handler(this::received);
    request.endHandler(end -> complete());
    if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT))) {
      context.response().writeContinue();
    }
    return promise.future();
  }

  /** Of a broken header the word alone. */
  private HeaderValue contentType() {
    String header = request.getHeader(HttpHeaders.CONTENT_TYPE);
    if (header == null) {
      return new HeaderValue("", Map.of());
    }
    return HeaderValue.parse(header)
        .orElseGet(
            () ->
                new HeaderValue(
                    header.split(";", 2)[0].strip().toLowerCase(Locale.ROOT), Map.of()));
  }

  private Optional<Long> announced() {
    String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
    try {
      return Optional.ofNullable(length).map(Long::valueOf);
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private void received(Buffer chunk) {
    if (promise.future().isComplete()) {
      return;
    }
    if ((long) body.size() + chunk.length() > maxBytes) {
      fail(tooLarge());
      return;
    }
    try {
      call.hold(chunk.length());
    } catch (ApiException e) {
      fail(e);
      return;
    }
    body.writeBytes(chunk.getBytes());
  }

  /** What was read so far is let go of; what still comes is thrown away. */
  private void fail(ApiException failure) {
    body = new ByteArrayOutputStream();
    promise.tryFail(failure);
  }

  private void complete() {
    if (promise.future().isComplete()) {
      return;
    }
    try {
      // Once more: what is parsed from it stands beside it.
      call.hold(body.size());
    } catch (ApiException e) {
      fail(e);
      return;
    }
    byte[] bytes = body.toByteArray();
    body = new ByteArrayOutputStream();
    promise.complete(
        boundary.isPresent()
            ? new RequestBody.Multipart(bytes, boundary.get())
            : new RequestBody.Json(bytes));
  }

  private ApiException tooLarge() {
    return new ApiException(
        413,
        new ApiError(
            "The request is larger than the " + maxBytes + " bytes that this server takes.",
            ApiError.INVALID_REQUEST,
            null,
            null),
        null);
  }

  private static ApiException unsupported(boolean forms) {
    return new ApiException(
        415,
        new ApiError(
            "The Content-Type must be " + JSON + (forms ? " or " + FORM : "") + ".",
            ApiError.INVALID_REQUEST,
            null,
            null),
        null);
  }

  private static ApiException broken() {
    return ApiException.invalid("The body did not arrive whole.", null);
  }

  private static ApiException noBoundary() {
    return ApiException.invalid(
        "The Content-Type must name the form's boundary, of at most "
            + FormReader.MAX_BOUNDARY
            + " characters.",
        null);
  }
}
