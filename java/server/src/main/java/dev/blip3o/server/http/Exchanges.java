package dev.blip3o.server.http;

import dev.blip3o.server.telemetry.Exchange;
import dev.blip3o.server.telemetry.RequestLog;
import dev.blip3o.server.telemetry.ServerMetrics;
import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The first handler of every request: numbers it, and when its answer has ended, or the client has
 * gone, logs and counts it.
 */
public final class Exchanges implements Handler<RoutingContext> {
  private static final String ID = "blip3o.request";
  private static final String ROUTE = "blip3o.route";
  private static final String CLIENT = "blip3o.client";

  private final ServerMetrics metrics;
  private final RequestLog log = new RequestLog();
  private final AtomicLong count = new AtomicLong();

  /** Counts into {@code metrics}. */
  public Exchanges(ServerMetrics metrics) {
    this.metrics = metrics;
  }

  @Override
  public void handle(RoutingContext context) {
    long id = count.incrementAndGet();
    long start = System.nanoTime();
    context.put(ID, id);
    context.response().putHeader("X-Request-Id", "req_" + id);
    context.addEndHandler(end -> ended(context, end.succeeded(), System.nanoTime() - start));
    context.next();
  }

  private void ended(RoutingContext context, boolean complete, long nanos) {
    Exchange exchange =
        new Exchange(
            id(context),
            context.request().method().name(),
            context.get(ROUTE, Exchange.NO_ROUTE),
            context.get(CLIENT, Exchange.NO_CLIENT),
            complete ? context.response().getStatusCode() : Exchange.CLIENT_GONE,
            context.response().bytesWritten(),
            Duration.ofNanos(nanos));
    metrics.answered(exchange);
    log.write(exchange);
  }

  /** The number of a request. */
  static long id(RoutingContext context) {
    return context.<Long>get(ID, 0L);
  }

  /** A handler that says which route a request has met, as logs and metrics show it. */
  public static Handler<RoutingContext> route(String pattern) {
    return context -> {
      met(context, pattern);
      context.next();
    };
  }

  /** Which route a request has met. */
  static void met(RoutingContext context, String pattern) {
    context.put(ROUTE, pattern);
  }

  /** Whose request it is, as logs show it. */
  static void client(RoutingContext context, String name) {
    context.put(CLIENT, name);
  }
}
