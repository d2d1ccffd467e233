package dev.blip3o.training.learner;

import dev.blip3o.training.grpo.AdamWSettings;
import dev.blip3o.training.grpo.GrpoSettings;
import java.util.Objects;

/**
 * How weights are changed.
 *
 * @param loss the loss's numbers
 * @param optimiser the optimiser's numbers
 * @param gradientLimit the longest that the gradient of all weights together may be, above 0
 * @param iterations updates that are made with the same pictures, 1 or more
 * @param sequencesAtOnce pictures whose activations are in memory together, 1 or more
 * @param layerCheckpointing whether layers are computed again instead of kept
 */
public record LearnerSettings(
    GrpoSettings loss,
    AdamWSettings optimiser,
    double gradientLimit,
    int iterations,
    int sequencesAtOnce,
    boolean layerCheckpointing) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException if one is left
   */
  public LearnerSettings {
    Objects.requireNonNull(loss, "loss");
    Objects.requireNonNull(optimiser, "optimiser");
    if (!(gradientLimit > 0)) {
      throw new IllegalArgumentException("gradientLimit must be above 0, but is " + gradientLimit);
    }
    if (iterations < 1 || sequencesAtOnce < 1) {
      throw new IllegalArgumentException(
          "iterations and sequencesAtOnce must be 1 or more, but are "
              + iterations
              + " and "
              + sequencesAtOnce);
    }
  }
}
