package dev.blip3o.server.http;

import dev.blip3o.server.openai.ApiError;
import dev.blip3o.server.openai.ApiException;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;

/**
 * Refuses what pages of other sites send. They could not read the answer, but a form costs work,
 * and a server on the user's own machine is within reach of every page that the user opens.
 *
 * <p>Browsers say whose page it is; other clients say nothing, and pass.
 */
final class OwnPages implements Handler<RoutingContext> {
  @Override
  public void handle(RoutingContext context) {
    if ("cross-site".equalsIgnoreCase(context.request().getHeader("Sec-Fetch-Site"))) {
      throw new ApiException(
          403,
          new ApiError(
              "Pages of other sites may not ask this server for pictures.",
              ApiError.INVALID_REQUEST,
              null,
              "cross_site"),
          null);
    }
    context.next();
  }
}
