package dev.blip3o.training.report;

/**
 * What one step was like: a row of the CSV, whose columns are these, in this order. A number that
 * the step doesn't have, for example the divergence where every group was left out, is NaN and an
 * empty field.
 *
 * @param step from 1
 * @param reward mean over all pictures with scores
 * @param rewardDeviation mean of the groups' standard deviations
 * @param kl mean divergence of a token from the starting model, nats
 * @param clipped share of the tokens that the clip kept from moving the model, 0 to 1
 * @param entropy mean entropy of a token's distribution, nats
 * @param loss what the step went down on
 * @param gradientNorm before it was clipped
 * @param learningRate of the step
 * @param groups that taught something
 * @param groupsSkipped whose rewards had no spread
 * @param groupsDropped whose reward failed
 * @param pictures drawn in the step
 * @param rolloutSeconds drawing them
 * @param rewardSeconds waiting for scores after that
 * @param gradientSeconds gradients and the optimiser
 */
public record StepMetrics(
    int step,
    double reward,
    double rewardDeviation,
    double kl,
    double clipped,
    double entropy,
    double loss,
    double gradientNorm,
    double learningRate,
    int groups,
    int groupsSkipped,
    int groupsDropped,
    int pictures,
    double rolloutSeconds,
    double rewardSeconds,
    double gradientSeconds) {
  /**
   * Checks the step's number.
   *
   * @throws IllegalArgumentException if it is below 1
   */
  public StepMetrics {
    if (step < 1) {
      throw new IllegalArgumentException("steps count from 1, but found " + step);
    }
  }

  /** Pictures a second over the whole step. */
  public double picturesPerSecond() {
    return pictures / (rolloutSeconds + rewardSeconds + gradientSeconds);
  }
}
