package dev.blip3o.server.telemetry;

import dev.blip3o.micrometer.Blip3oMetrics;
import dev.blip3o.server.health.Lifecycle;
import dev.blip3o.server.pictures.PictureStore;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.BaseUnits;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;

/**
 * The metrics of a server in the text format of Prometheus: those of its model ({@link
 * Blip3oMetrics}), of the JVM, and these.
 *
 * <table>
 * <caption>Meters of the server</caption>
 * <tr><th>name</th><th>kind</th><th>what</th></tr>
 * <tr><td>{@code blip3o.http.requests{method,route,status}}</td><td>timer with a histogram</td><td>
 *     answered requests, from the head to the end of the answer</td></tr>
 * <tr><td>{@code blip3o.http.response.bytes{route}}</td><td>counter</td><td>bodies of answers</td></tr>
 * <tr><td>{@code blip3o.http.refused{reason}}</td><td>counter</td><td>requests that were not taken,
 *     by {@link Refusal}</td></tr>
 * <tr><td>{@code blip3o.http.running}</td><td>gauge</td><td>requests for pictures under way</td></tr>
 * <tr><td>{@code blip3o.http.ready}</td><td>gauge</td><td>1 while requests are taken</td></tr>
 * <tr><td>{@code blip3o.urls}, {@code blip3o.urls.bytes}</td><td>gauge</td><td>pictures that have
 *     addresses</td></tr>
 * </table>
 *
 * <p>Threads: safe for use by any thread.
 */
public final class ServerMetrics implements AutoCloseable {
  /** The media type of {@link #scrape}. */
  public static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private static final Duration[] TIMES = {
    Duration.ofMillis(10),
    Duration.ofMillis(100),
    Duration.ofSeconds(1),
    Duration.ofMillis(2500),
    Duration.ofSeconds(5),
    Duration.ofSeconds(10),
    Duration.ofSeconds(30),
    Duration.ofSeconds(60),
    Duration.ofSeconds(300)
  };

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics collector = new JvmGcMetrics();
  private final Blip3oMetrics model;

  /**
   * The metrics of a server.
   *
   * @param model of its model; closed with these
   */
  public ServerMetrics(Blip3oMetrics model, Lifecycle life, PictureStore pictures) {
    this.model = model;
    this.model.bindTo(registry);
    bindServer(life, pictures);
    bindJvm();
    for (Refusal reason : Refusal.values()) {
      refusals(reason);
    }
  }

  private void bindServer(Lifecycle life, PictureStore pictures) {
    Gauge.builder("blip3o.http.running", life, Lifecycle::running)
        .description("requests for pictures under way")
        .register(registry);
    Gauge.builder("blip3o.http.ready", life, state -> state.health().ready() ? 1 : 0)
        .description("1 while requests are taken")
        .register(registry);
    Gauge.builder("blip3o.urls", pictures, PictureStore::size)
        .description("pictures that have addresses")
        .register(registry);
    Gauge.builder("blip3o.urls.bytes", pictures, PictureStore::bytes)
        .baseUnit(BaseUnits.BYTES)
        .description("what pictures that have addresses hold")
        .register(registry);
  }

  private void bindJvm() {
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    collector.bindTo(registry);
  }

  /** Counts an answered request. */
  public void answered(Exchange exchange) {
    Timer.builder("blip3o.http.requests")
        .description("answered requests, from the head to the end of the answer")
        .tags(
            "method", exchange.method(),
            "route", exchange.route(),
            "status", Integer.toString(exchange.status()))
        .serviceLevelObjectives(TIMES)
        .register(registry)
        .record(exchange.time());
    Counter.builder("blip3o.http.response.bytes")
        .baseUnit(BaseUnits.BYTES)
        .description("bodies of answers")
        .tag("route", exchange.route())
        .register(registry)
        .increment(exchange.bytes());
  }

  /** Counts a request for pictures that was not taken. */
  public void refused(Refusal reason) {
    refusals(reason).increment();
  }

  private Counter refusals(Refusal reason) {
    return Counter.builder("blip3o.http.refused")
        .description("requests for pictures that were not taken")
        .tag("reason", reason.tag())
        .register(registry);
  }

  /** The registry, for meters of others. */
  public MeterRegistry registry() {
    return registry;
  }

  /** All metrics, as Prometheus reads them: {@link #CONTENT_TYPE}. */
  public String scrape() {
    return registry.scrape();
  }

  /** Lets go of the model and of the collector's notifications. */
  @Override
  public void close() {
    model.close();
    collector.close();
    registry.close();
  }
}
