package dev.blip3o.micrometer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.ModelMetrics;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Every meter against metrics that the test makes up. */
class ModelMetersTest {
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

  /** In a model's place. */
  private static final class Source {
    ModelMetrics metrics = metrics(1);
    boolean closed;

    ModelMetrics read() {
      if (closed) {
        throw new IllegalStateException("the model is closed");
      }
      return metrics;
    }
  }

  /**
   * Metrics whose numbers all differ: number k, from 1, is {@code k * factor}, times in seconds;
   * healthy where the factor is below 4.
   */
  private static ModelMetrics metrics(int factor) {
    return new ModelMetrics(
        factor < 4,
        factor,
        2 * factor,
        3 * factor,
        4 * factor,
        5 * factor,
        6 * factor,
        7 * factor,
        8 * factor,
        9 * factor,
        10 * factor,
        11 * factor,
        12 * factor,
        Duration.ofSeconds(13 * factor),
        14 * factor,
        Duration.ofSeconds(15 * factor),
        16 * factor,
        17 * factor,
        18,
        19 * factor,
        20 * factor,
        21 * factor,
        22 * factor,
        23 * factor,
        Duration.ofSeconds(24 * factor),
        Duration.ofSeconds(25 * factor),
        Duration.ofSeconds(26 * factor),
        Duration.ofSeconds(27 * factor),
        Duration.ofSeconds(28 * factor),
        Duration.ofSeconds(29 * factor));
  }

  private void register(Source source) {
    new ModelMeters<>(source, Source::read, Tags.of("model", "demo")).register(registry);
  }

  private double gauge(String name) {
    return registry.get(name).tag("model", "demo").gauge().value();
  }

  private double counter(String name, String... tags) {
    return registry.get(name).tag("model", "demo").tags(tags).functionCounter().count();
  }

  private void assertGauges(double factor) {
    assertEquals(factor, gauge("blip3o.queue.depth"));
    assertEquals(2 * factor, gauge("blip3o.requests.running"));
    assertEquals(3 * factor, gauge("blip3o.memory.used"));
    assertEquals(4 * factor, gauge("blip3o.memory.peak"));
    assertEquals(5 * factor, gauge("blip3o.memory.limit"));
    assertEquals(17 * factor / 18, gauge("blip3o.batch.occupancy"));
  }

  private void assertSums(double factor) {
    assertEquals(8 * factor, counter("blip3o.requests", "outcome", "refused"));
    assertEquals(9 * factor, counter("blip3o.requests", "outcome", "done"));
    assertEquals(10 * factor, counter("blip3o.requests", "outcome", "failed"));
    assertEquals(11 * factor, counter("blip3o.requests", "outcome", "cancelled"));
    assertEquals(12 * factor, counter("blip3o.requests", "outcome", "expired"));
    assertEquals(17 * factor, counter("blip3o.tokens"));
    assertEquals(19 * factor, counter("blip3o.steps"));
    assertEquals(20 * factor, counter("blip3o.pictures"));
    assertEquals(21 * factor, counter("blip3o.previews"));
    assertEquals(22 * factor, counter("blip3o.prompts", "result", "computed"));
    assertEquals(23 * factor, counter("blip3o.prompts", "result", "reused"));
    List<String> stages = List.of("encode", "prefill", "tokens", "condition", "steps", "decode");
    for (int i = 0; i < stages.size(); i++) {
      assertEquals((24 + i) * factor, counter("blip3o.stage.time", "stage", stages.get(i)));
    }
    assertTimer("blip3o.queue.wait", 14 * factor, 13 * factor);
    assertTimer("blip3o.first.token", 16 * factor, 15 * factor);
  }

  private void assertTimer(String name, double count, double seconds) {
    var timer = registry.get(name).tag("model", "demo").functionTimer();
    assertEquals(count, timer.count());
    assertEquals(seconds, timer.totalTime(TimeUnit.SECONDS), 1e-9);
  }

  @Test
  void metersFollowTheMetrics() {
    Source source = new Source();
    register(source);
    assertGauges(1);
    assertSums(1);
    assertEquals(1, gauge("blip3o.healthy"));
    source.metrics = metrics(5);
    assertEquals(0, gauge("blip3o.healthy"));
    assertGauges(5);
    assertSums(5);
  }

  @Test
  void aClosedModelHasNoGaugesAndKeepsItsSums() {
    Source source = new Source();
    register(source);
    source.metrics = metrics(3);
    assertSums(3);
    source.metrics = metrics(4);
    source.closed = true;
    assertGauges(Double.NaN);
    assertSums(3);
  }

  @Test
  void oneThatWasClosedBeforeHasNothing() {
    Source source = new Source();
    source.closed = true;
    register(source);
    assertGauges(Double.NaN);
    assertSums(0);
  }

  @Test
  void metersDontKeepTheModel() throws Exception {
    WeakReference<Source> source = new WeakReference<>(forgotten());
    for (int i = 0; i < 500 && source.get() != null; i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertNull(source.get());
    assertGauges(Double.NaN);
    assertSums(2);
  }

  private Source forgotten() {
    Source source = new Source();
    register(source);
    source.metrics = metrics(2);
    assertSums(2);
    return source;
  }

  @Test
  void everyMeterIsDescribedAndHasItsUnit() {
    register(new Source());
    Set<String> names = new HashSet<>();
    for (Meter meter : registry.getMeters()) {
      String name = meter.getId().getName();
      names.add(name);
      assertTrue(!meter.getId().getDescription().isBlank(), name);
      String unit = meter.getId().getBaseUnit();
      if (name.startsWith("blip3o.memory.")) {
        assertEquals("bytes", unit);
      } else if (name.equals("blip3o.stage.time")) {
        assertEquals("seconds", unit);
      }
    }
    assertEquals(16, names.size(), names.toString());
  }
}
