package dev.blip3o.micrometer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.ImageRequest;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A real model in a registry. */
@Timeout(60)
class Blip3oMetricsTest {
  private static final ImageRequest REQUEST =
      ImageRequest.builder("a red circle").seed(7).steps(4).build();

  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private Blip3oModel model;

  @BeforeEach
  void open() {
    model =
        Blip3oModel.open(
            Path.of(System.getProperty("blip3o.root"), "tests/golden/reference/tiny/model"));
  }

  @AfterEach
  void close() {
    model.close();
  }

  private double counter(String name, String... tags) {
    return registry.get(name).tags(tags).functionCounter().count();
  }

  @Test
  void aPictureIsCounted() throws Exception {
    new Blip3oMetrics(model).bindTo(registry);
    assertEquals(0, counter("blip3o.requests", "outcome", "done"));
    model.generate(REQUEST);
    model.generate(REQUEST);
    awaitIdle();
    assertEquals(2, counter("blip3o.requests", "outcome", "done"));
    assertEquals(0, counter("blip3o.requests", "outcome", "failed"));
    assertEquals(2 * model.info().imageTokens(), counter("blip3o.tokens"));
    assertEquals(8, counter("blip3o.steps"));
    assertEquals(2, counter("blip3o.pictures"));
    assertEquals(1, registry.get("blip3o.batch.occupancy").gauge().value());
    assertEquals(
        2,
        counter("blip3o.prompts", "result", "computed")
            + counter("blip3o.prompts", "result", "reused"));
    assertTrue(counter("blip3o.stage.time", "stage", "steps") > 0);
    assertEquals(2, registry.get("blip3o.queue.wait").functionTimer().count());
    assertTrue(
        registry.get("blip3o.first.token").functionTimer().totalTime(TimeUnit.NANOSECONDS) > 0);
    double used = registry.get("blip3o.memory.used").gauge().value();
    double peak = registry.get("blip3o.memory.peak").gauge().value();
    double limit = registry.get("blip3o.memory.limit").gauge().value();
    assertTrue(used >= 0 && used <= peak && peak > 0 && peak <= limit, used + " " + peak);
  }

  private void awaitIdle() throws InterruptedException {
    while (registry.get("blip3o.requests.running").gauge().value() > 0) {
      Thread.sleep(1);
    }
    assertEquals(0, registry.get("blip3o.queue.depth").gauge().value());
  }

  @Test
  void afterTheModelIsClosedNothingThrows() {
    Blip3oMetrics metrics = new Blip3oMetrics(model);
    metrics.bindTo(registry);
    model.close();
    assertEquals(Double.NaN, registry.get("blip3o.queue.depth").gauge().value());
    registry.forEachMeter(meter -> meter.measure().forEach(each -> each.getValue()));
    metrics.bindTo(new SimpleMeterRegistry());
  }

  @Test
  void closingTakesTheMetersOutOfEveryRegistry() {
    SimpleMeterRegistry second = new SimpleMeterRegistry();
    Blip3oMetrics metrics = new Blip3oMetrics(model);
    metrics.bindTo(registry);
    metrics.bindTo(second);
    assertTrue(!registry.getMeters().isEmpty());
    assertEquals(registry.getMeters().size(), second.getMeters().size());
    metrics.close();
    metrics.close();
    assertEquals(0, registry.getMeters().size() + second.getMeters().size());
  }

  @Test
  void modelsAreToldApartByTheirTags() {
    Blip3oMetrics one = new Blip3oMetrics(model, Tags.of("model", "one"));
    Blip3oMetrics other = new Blip3oMetrics(model, Tags.of("model", "other"));
    one.bindTo(registry);
    other.bindTo(registry);
    assertEquals(2, registry.get("blip3o.queue.depth").gauges().size());
    one.close();
    assertEquals(1, registry.get("blip3o.queue.depth").gauges().size());
    assertEquals(0, registry.get("blip3o.tokens").tag("model", "other").functionCounter().count());
  }

  @Test
  void nullIsNoModel() {
    assertThrows(NullPointerException.class, () -> new Blip3oMetrics(null));
    assertThrows(NullPointerException.class, () -> new Blip3oMetrics(model, null));
  }
}
