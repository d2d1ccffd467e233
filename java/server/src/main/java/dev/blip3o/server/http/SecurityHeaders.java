package dev.blip3o.server.http;

import io.vertx.core.Handler;
import io.vertx.core.MultiMap;
import io.vertx.ext.web.RoutingContext;

/**
 * Headers that every answer has: a browser runs nothing of it but the page's own files, shows none
 * of it within another site, and tells no other site where it was.
 *
 * <p>There are no CORS headers: pages of other origins can't read answers.
 */
public final class SecurityHeaders implements Handler<RoutingContext> {
  /** Own files alone; pictures of the page are data and blobs as well. */
  static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
          + " connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none';"
          + " form-action 'none'; frame-ancestors 'none'";

  @Override
  public void handle(RoutingContext context) {
    put(context.response().headers());
    context.next();
  }

  /** Puts them among the headers of an answer. */
  static void put(MultiMap headers) {
    headers.set("Content-Security-Policy", POLICY);
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Referrer-Policy", "no-referrer");
    headers.set("X-Frame-Options", "DENY");
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
    headers.set("Cross-Origin-Resource-Policy", "same-origin");
    headers.set("Permissions-Policy", "camera=(), microphone=(), geolocation=()");
    headers.set("Cache-Control", "no-store");
  }
}
