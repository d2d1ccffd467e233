package dev.blip3o.server.http;

import dev.blip3o.server.openai.ApiError;
import dev.blip3o.server.openai.ApiException;
import dev.blip3o.server.openai.FormPart;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerFileUpload;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads one request's body into memory; nothing of it ever touches the disk.
 *
 * <p>Threads: for the event loop alone.
 */
final class BodyReader {
  private static final String JSON = "application/json";
  private static final String FORM = "multipart/form-data";

  private static final Pattern BOUNDARY =
      Pattern.compile(";\\s*boundary=\"?([^\";]+)", Pattern.CASE_INSENSITIVE);

  /** Within so many bytes before its end a form says that it is whole: a boundary has up to 70. */
  private static final int END_BYTES = 512;

  /** More files than an edit takes: the rest of such a form need not be read. */
  private static final int MAX_FILES = 32;

  private final HttpServerRequest request;
  private final RoutingContext context;
  private final PictureCall call;
  private final long maxBytes;
  private final Promise<RequestBody> promise = Promise.promise();
  private final Buffer json = Buffer.buffer();
  private final List<String> names = new ArrayList<>();
  private final List<Buffer> files = new ArrayList<>();
  private Buffer end = Buffer.buffer();
  private long bytes;

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
    String type = contentType();
    boolean form = forms && type.equals(FORM);
    if (!form && !type.equals(JSON)) {
      return Future.failedFuture(unsupported(forms));
    }
    if (announced().filter(length -> length > maxBytes).isPresent()) {
      return Future.failedFuture(tooLarge());
    }
    request.exceptionHandler(failure -> promise.tryFail(broken(form)));
    if (form && boundary().isEmpty()) { // Vert.x would read it as a form without files.
      return Future.failedFuture(broken(true));
    }
    if (form) {
      try {
        request.setExpectMultipart(true).uploadHandler(this::upload);
      } catch (RuntimeException e) {
        return Future.failedFuture(broken(true));
      }
    }
    request.handler(chunk -> received(chunk, form));
    request.endHandler(end -> complete(form));
    if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT))) {
      context.response().writeContinue();
    }
    return promise.future();
  }

  private String boundary() {
    Matcher boundary = BOUNDARY.matcher(request.getHeader(HttpHeaders.CONTENT_TYPE));
    return boundary.find() ? boundary.group(1) : "";
  }

  private String contentType() {
    String header = request.getHeader(HttpHeaders.CONTENT_TYPE);
    return header == null ? "" : header.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
  }

  private Optional<Long> announced() {
    String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
    try {
      return Optional.ofNullable(length).map(Long::valueOf);
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /** Every chunk of the body, of forms too. */
  private void received(Buffer chunk, boolean form) {
    if (promise.future().isComplete()) {
      return;
    }
    bytes += chunk.length();
    if (bytes > maxBytes) {
      fail(tooLarge());
      return;
    }
    try {
      call.hold(chunk.length());
    } catch (ApiException e) {
      fail(e);
      return;
    }
    if (form) {
      keepEnd(chunk);
    } else {
      json.appendBuffer(chunk);
    }
  }

  private void keepEnd(Buffer chunk) {
    Buffer joined =
        end.copy()
            .appendBuffer(
                chunk,
                Math.max(0, chunk.length() - END_BYTES),
                Math.min(END_BYTES, chunk.length()));
    end = joined.slice(Math.max(0, joined.length() - END_BYTES), joined.length());
  }

  /** Vert.x takes a form that breaks off for a whole one. */
  private boolean whole() {
    return end.toString(StandardCharsets.ISO_8859_1).contains("--" + boundary() + "--");
  }

  private void upload(HttpServerFileUpload upload) {
    Buffer file = Buffer.buffer();
    names.add(upload.name());
    files.add(file);
    if (files.size() > MAX_FILES) {
      fail(ApiException.invalid("The form has more files than an edit takes: 16.", "image"));
    }
    upload.exceptionHandler(failure -> promise.tryFail(broken(true)));
    upload.handler(
        chunk -> {
          if (!promise.future().isComplete()) {
            file.appendBuffer(chunk);
          }
        });
  }

  /** What was read so far is let go of; what still comes is thrown away. */
  private void fail(ApiException failure) {
    names.clear();
    files.clear();
    promise.tryFail(failure);
  }

  private void complete(boolean form) {
    if (form && !whole()) {
      fail(broken(true));
    } else {
      promise.tryComplete(form ? form() : new RequestBody.Json(json.getBytes()));
    }
  }

  private RequestBody form() {
    List<Map.Entry<String, String>> values = new ArrayList<>();
    request
        .formAttributes()
        .forEach(entry -> values.add(Map.entry(entry.getKey(), entry.getValue())));
    List<FormPart> parts = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      parts.add(new FormPart(names.get(i), files.get(i).getBytes()));
    }
    return new RequestBody.Form(values, parts);
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

  private static ApiException broken(boolean form) {
    return ApiException.invalid(
        form ? "The body is no whole multipart form." : "The body did not arrive whole.", null);
  }
}
