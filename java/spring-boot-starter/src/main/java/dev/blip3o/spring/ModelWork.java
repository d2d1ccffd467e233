package dev.blip3o.spring;

import dev.blip3o.Blip3oModel;
import dev.blip3o.ModelMetrics;
import java.time.Duration;
import java.util.List;

/** Pictures that models have not finished, whoever asked for them. */
final class ModelWork implements Work {
  /** A model doesn't tell when it has become idle, but its metrics are cheap to read. */
  private static final Duration BETWEEN_READS = Duration.ofMillis(20);

  private final List<Blip3oModel> models;

  ModelWork(List<Blip3oModel> models) {
    this.models = models;
  }

  @Override
  public boolean drain(Duration timeout) {
    TimeLimit limit = new TimeLimit(timeout);
    while (!idle()) {
      Duration left = limit.left();
      if (left.isZero() || !pause(left)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void resume() {
    // A model takes requests until it is closed.
  }

  private boolean idle() {
    return models.stream().allMatch(ModelWork::idle);
  }

  private static boolean idle(Blip3oModel model) {
    try {
      ModelMetrics metrics = model.metrics();
      return metrics.queued() + metrics.running() == 0;
    } catch (IllegalStateException e) {
      return true; // It was closed by the application.
    }
  }

  /** Whether it was not interrupted. */
  private static boolean pause(Duration left) {
    try {
      Thread.sleep(Math.min(left.toMillis() + 1, BETWEEN_READS.toMillis()));
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
