package dev.blip3o.spring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.blip3o.Blip3oModel;
import dev.blip3o.Device;
import dev.blip3o.ModelMetrics;
import dev.blip3o.support.Repository;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.Status;

/** What the health says, and nothing besides. */
@Timeout(60)
class Blip3oHealthIndicatorTest {
  private static ModelMetrics metrics(boolean healthy) {
    Duration zero = Duration.ZERO;
    return new ModelMetrics(
        healthy, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, zero, 0, zero, 0, 0, 0, 0, 0, 0, 0, 0, zero,
        zero, zero, zero, zero, zero);
  }

  @Test
  void aModelThatIsWellIsUp() {
    Health health = new Blip3oHealthIndicator(Device.CUDA, () -> metrics(true)).health();
    assertEquals(Status.UP, health.getStatus());
    assertEquals(Map.of("device", "cuda", "queued", 3, "running", 2), health.getDetails());
  }

  @Test
  void aLostDeviceIsDownWithTheReason() {
    Health health = new Blip3oHealthIndicator(Device.CUDA, () -> metrics(false)).health();
    assertEquals(Status.DOWN, health.getStatus());
    assertEquals(
        Map.of(
            "device",
            "cuda",
            "queued",
            3,
            "running",
            2,
            "reason",
            "the device was lost: restart the process"),
        health.getDetails());
  }

  @Test
  void aModelIsUpUntilItIsClosed() {
    Blip3oHealthIndicator indicator;
    try (Blip3oModel model = Blip3oModel.open(Repository.demo())) {
      indicator = new Blip3oHealthIndicator(model);
      assertEquals(
          Health.up().withDetails(Map.of("device", "cpu", "queued", 0, "running", 0)).build(),
          indicator.health());
    }
    assertEquals(
        Health.down().withDetails(Map.of("device", "cpu", "reason", "the model is closed")).build(),
        indicator.health());
  }
}
