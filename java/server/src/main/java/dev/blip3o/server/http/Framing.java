package dev.blip3o.server.http;

import dev.blip3o.server.openai.ApiError;
import dev.blip3o.server.openai.ApiException;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;

/**
 * Refuses bodies that are framed in a way of which Vert.x knows nothing, such as {@code
 * Transfer-Encoding: gzip, chunked}: it would take them for others, and a proxy in front might not.
 */
public final class Framing implements Handler<RoutingContext> {
  @Override
  public void handle(RoutingContext context) {
    String coding = context.request().getHeader(HttpHeaders.TRANSFER_ENCODING);
    if (coding != null && !coding.strip().equalsIgnoreCase("chunked")) {
      // Where its body ends nobody knows: nothing after it is a request.
      context.response().putHeader("Connection", "close");
      context.addEndHandler(end -> context.request().connection().close());
      throw new ApiException(
          501,
          new ApiError(
              "The only Transfer-Encoding that this server reads is chunked.",
              ApiError.INVALID_REQUEST,
              null,
              null),
          null);
    }
    context.next();
  }
}
