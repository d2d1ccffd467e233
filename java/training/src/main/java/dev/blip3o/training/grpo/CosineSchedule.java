package dev.blip3o.training.grpo;

/**
 * A learning rate that falls from its peak to 0 along half a cosine, after a linear rise.
 *
 * <p>Source: Hugging Face Transformers, {@code optimization.py: get_cosine_schedule_with_warmup}.
 * Differs: the rise begins above 0, as a first step at 0 would be lost.
 *
 * @param peak the highest rate, above 0
 * @param warmUp steps of the rise, from 0 to below {@code total}
 * @param total steps of the run, 1 or more
 */
public record CosineSchedule(double peak, int warmUp, int total) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException if one is left
   */
  public CosineSchedule {
    if (!(peak > 0 && Double.isFinite(peak))) {
      throw new IllegalArgumentException("the learning rate must be above 0, but is " + peak);
    }
    if (total < 1 || warmUp < 0 || warmUp >= total) {
      throw new IllegalArgumentException(
          "warm-up must have fewer steps than the run, but has " + warmUp + " of " + total);
    }
  }

  /**
   * The rate of a step.
   *
   * @param step from 0 to below {@code total}; later ones have 0
   */
  public double at(int step) {
    if (step < warmUp) {
      return peak * (step + 1) / (warmUp + 1);
    }
    double progress = Math.min(1, (double) (step - warmUp) / (total - warmUp));
    return peak * 0.5 * (1 + Math.cos(Math.PI * progress));
  }
}
