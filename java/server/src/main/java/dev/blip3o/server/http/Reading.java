package dev.blip3o.server.http;

import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;

/** Routes that only tell something: for GET, and for HEAD, which probes and monitors send too. */
final class Reading {
  private Reading() {}

  /** A route of a path; {@code :name} stands for one part of it. */
  static Route at(Router router, String path) {
    return both(router.route(path));
  }

  /** A route of all paths that match. */
  static Route matching(Router router, String regex) {
    return both(router.routeWithRegex(regex));
  }

  private static Route both(Route route) {
    return route.method(HttpMethod.GET).method(HttpMethod.HEAD);
  }
}
