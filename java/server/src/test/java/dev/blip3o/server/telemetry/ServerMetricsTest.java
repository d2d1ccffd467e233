package dev.blip3o.server.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.micrometer.Blip3oMetrics;
import dev.blip3o.server.health.Lifecycle;
import dev.blip3o.server.pictures.PictureStore;
import dev.blip3o.server.pictures.StoredPicture;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ServerMetricsTest {
  private static final Pattern SAMPLE =
      Pattern.compile("[a-z_][a-z0-9_]*(\\{[^{}]*(\\{id})?[^{}]*})? [-+0-9.eEINnaf]+");

  private static Blip3oModel model;

  private final Lifecycle life = new Lifecycle();
  private final PictureStore pictures = new PictureStore(Duration.ofHours(1), 1000);
  private final ServerMetrics metrics = new ServerMetrics(new Blip3oMetrics(model), life, pictures);

  @BeforeAll
  static void open() {
    model = Blip3oModel.open(Path.of(System.getProperty("blip3o.root"), "weights", "demo"));
  }

  @AfterAll
  static void closeModel() {
    model.close();
  }

  @AfterEach
  void close() {
    metrics.close();
  }

  private static Exchange exchange(int status, long bytes) {
    return new Exchange(
        7, "POST", "/v1/images/generations", "alice", status, bytes, Duration.ofMillis(1500));
  }

  private void assertSample(String sample) {
    String text = metrics.scrape();
    assertTrue(text.lines().anyMatch(sample::equals), () -> sample + " is not in\n" + text);
  }

  @Test
  void everyLineIsACommentOrASample() {
    metrics.answered(exchange(200, 10));
    metrics
        .scrape()
        .lines()
        .filter(line -> !line.startsWith("# HELP ") && !line.startsWith("# TYPE "))
        .forEach(line -> assertTrue(SAMPLE.matcher(line).matches(), line));
  }

  @Test
  void modelServerAndJvmAreThere() {
    life.ready();
    life.begin().orElseThrow();
    pictures.put(new StoredPicture(new byte[12], "image/png"));
    assertSample("blip3o_healthy 1.0");
    assertSample("blip3o_queue_depth 0.0");
    assertSample("blip3o_http_running 1.0");
    assertSample("blip3o_http_ready 1.0");
    assertSample("blip3o_urls 1.0");
    assertSample("blip3o_urls_bytes 12.0");
    assertTrue(metrics.scrape().contains("jvm_memory_used_bytes{"));
    life.drain();
    assertSample("blip3o_http_ready 0.0");
  }

  @Test
  void answersAndRefusalsAreCounted() {
    metrics.answered(exchange(200, 100));
    metrics.answered(exchange(200, 23));
    metrics.answered(exchange(429, 7));
    metrics.refused(Refusal.QUEUE);
    String route = "route=\"/v1/images/generations\"";
    assertSample(
        "blip3o_http_requests_seconds_count{method=\"POST\"," + route + ",status=\"200\"} 2");
    assertSample("blip3o_http_response_bytes_total{" + route + "} 130.0");
    assertSample("blip3o_http_refused_total{reason=\"queue\"} 1.0");
    assertSample("blip3o_http_refused_total{reason=\"key\"} 0.0");
    assertSample(
        "blip3o_http_requests_seconds_bucket{method=\"POST\","
            + route
            + ",status=\"200\",le=\"2.5\"} 2");
  }

  @Test
  void clientsAddNoMetersOfTheirOwn() {
    metrics.answered(new Exchange(1, "BREW", "none", "-", 404, 0, Duration.ZERO));
    metrics.answered(new Exchange(2, "STEEP", "none", "-", 404, 0, Duration.ZERO));
    assertSample(
        "blip3o_http_requests_seconds_count{method=\"OTHER\",route=\"none\",status=\"404\"} 2");
    assertFalse(metrics.scrape().contains("alice"));
  }

  @Test
  void anUnusualMethodIsOther() {
    assertEquals("OTHER", new Exchange(1, "get", "none", "-", 200, 0, Duration.ZERO).method());
    assertEquals("HEAD", new Exchange(1, "HEAD", "none", "-", 200, 0, Duration.ZERO).method());
  }
}
