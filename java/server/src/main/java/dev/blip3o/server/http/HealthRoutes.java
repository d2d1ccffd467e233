package dev.blip3o.server.http;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.blip3o.server.health.Health;
import dev.blip3o.server.health.Lifecycle;
import dev.blip3o.server.telemetry.ServerMetrics;
import io.vertx.core.Handler;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.Locale;
import java.util.function.Predicate;

/**
 * What supervisors and monitors ask, without a key: {@code /healthz}, whether the process is worth
 * keeping; {@code /readyz}, whether to send it work; {@code /metrics}.
 */
public final class HealthRoutes {
  private static final int UNAVAILABLE = 503;

  private HealthRoutes() {}

  /** Adds the routes. */
  public static void mount(Router router, Lifecycle life, ServerMetrics metrics) {
    get(router, "/healthz", context -> tell(context, life.health(), Health::live));
    get(router, "/readyz", context -> tell(context, life.health(), Health::ready));
    get(router, "/metrics", context -> scrape(context, metrics));
  }

  private static void get(Router router, String path, Handler<RoutingContext> handler) {
    Reading.at(router, path).handler(Exchanges.route(path)).handler(handler);
  }

  private static void tell(RoutingContext context, Health health, Predicate<Health> good) {
    String body =
        JsonNodeFactory.instance
            .objectNode()
            .put("status", health.name().toLowerCase(Locale.ROOT))
            .put("message", health.sentence())
            .toString();
    context
        .response()
        .setStatusCode(good.test(health) ? 200 : UNAVAILABLE)
        .putHeader("Content-Type", "application/json")
        .end(body);
  }

  private static void scrape(RoutingContext context, ServerMetrics metrics) {
    context.response().putHeader("Content-Type", ServerMetrics.CONTENT_TYPE).end(metrics.scrape());
  }
}
