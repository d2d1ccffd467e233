package dev.blip3o.spring;

import dev.blip3o.Blip3oModel;
import dev.blip3o.Device;
import dev.blip3o.ModelMetrics;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Supplier;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthIndicator;

/**
 * The health of a model: down once its device was lost, or it was closed. Details are {@code
 * device} ({@code cpu} or {@code cuda}), {@code queued} and {@code running} (pictures, now), and
 * {@code reason} where it is down.
 *
 * <p>Threads: safe for use by any thread.
 */
public final class Blip3oHealthIndicator implements HealthIndicator {
  private final Device device;
  private final Supplier<ModelMetrics> metrics;

  /** The health of {@code model}. */
  public Blip3oHealthIndicator(Blip3oModel model) {
    this(Objects.requireNonNull(model, "model").info().device(), model::metrics);
  }

  /**
   * The health of a model that computes on {@code device}.
   *
   * @param metrics reads it; throws {@link IllegalStateException} once it is closed
   */
  Blip3oHealthIndicator(Device device, Supplier<ModelMetrics> metrics) {
    this.device = device;
    this.metrics = metrics;
  }

  @Override
  public Health health() {
    Health.Builder health = new Health.Builder();
    health.withDetail("device", device.name().toLowerCase(Locale.ROOT));
    try {
      report(health, metrics.get());
    } catch (IllegalStateException e) {
      health.down().withDetail("reason", "the model is closed");
    }
    return health.build();
  }

  private static void report(Health.Builder health, ModelMetrics now) {
    health.withDetail("queued", now.queued()).withDetail("running", now.running());
    if (now.healthy()) {
      health.up();
    } else {
      health.down().withDetail("reason", "the device was lost: restart the process");
    }
  }
}
