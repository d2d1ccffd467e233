package dev.blip3o.server.http;

import dev.blip3o.server.openai.ApiError;
import dev.blip3o.server.openai.ApiException;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import java.util.Locale;
import java.util.Set;

/**
 * Refuses what pages of other origins send, those of other ports of this machine too. They could
 * not read the answer, but a form costs work, and a server on the user's own machine is within
 * reach of every page that the user opens.
 *
 * <p>Browsers say whose page it is; other clients say nothing, and pass.
 */
final class OwnPages implements Handler<RoutingContext> {
  /** The page itself, and what the user typed as an address. */
  private static final Set<String> OWN = Set.of("same-origin", "none");

  @Override
  public void handle(RoutingContext context) {
    String site = context.request().getHeader("Sec-Fetch-Site");
    if (site != null && !OWN.contains(site.toLowerCase(Locale.ROOT))) {
      throw new ApiException(
          403,
          new ApiError(
              "Pages of other origins may not ask this server for pictures.",
              ApiError.INVALID_REQUEST,
              null,
              "cross_site"),
          null);
    }
    context.next();
  }
}
