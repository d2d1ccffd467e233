package dev.blip3o.training.grpo;

/**
 * The numbers of the optimiser beside its learning rate.
 *
 * @param beta1 how much of the mean gradient stays from step to step, from 0 to below 1
 * @param beta2 the same of the mean squared gradient
 * @param epsilon added to the root of that, above 0
 * @param weightDecay share of the weights that a step at learning rate 1 would take away, 0 or more
 */
public record AdamWSettings(double beta1, double beta2, double epsilon, double weightDecay) {
  /** The public recipe's: 0.9, 0.999, 1e-8, no decay. */
  public static final AdamWSettings DEFAULT = new AdamWSettings(0.9, 0.999, 1e-8, 0);

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException if one is left
   */
  public AdamWSettings {
    if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) {
      throw new IllegalArgumentException(
          "beta1 and beta2 must be from 0 to below 1, but are " + beta1 + " and " + beta2);
    }
    if (!(epsilon > 0 && weightDecay >= 0)) {
      throw new IllegalArgumentException(
          "epsilon must be above 0 and weightDecay 0 or more, but are "
              + epsilon
              + " and "
              + weightDecay);
    }
  }
}
