package dev.blip3o.training.grpo;

import java.util.Arrays;
import java.util.Optional;

/**
 * How much better each picture of a group is than its company: (r − mean) / (std + 1e-4), where std
 * is the sample's standard deviation, with n − 1 below the sum. Source: {@code grpo_trainer.py:
 * _generate_and_score_completions}, whose {@code torch.std} is the sample's.
 */
public final class Advantages {
  private static final double EPSILON = 1e-4;

  /** Below this rewards count as equal: the public recipe's tolerance of {@code torch.isclose}. */
  private static final double NO_SPREAD = 1e-8;

  private Advantages() {}

  /**
   * The advantages of a group, in its order; empty where it has no spread, so that it teaches
   * nothing: one picture, or equal rewards.
   *
   * @param rewards finite, one or more
   * @throws IllegalArgumentException if there are none or one is not finite
   */
  public static Optional<double[]> of(double[] rewards) {
    double mean = mean(rewards);
    double deviation = deviation(rewards);
    if (deviation <= NO_SPREAD) {
      return Optional.empty();
    }
    double[] advantages = new double[rewards.length];
    for (int i = 0; i < rewards.length; i++) {
      advantages[i] = (rewards[i] - mean) / (deviation + EPSILON);
    }
    return Optional.of(advantages);
  }

  /**
   * The mean of a group's rewards.
   *
   * @throws IllegalArgumentException if there are none or one is not finite
   */
  public static double mean(double[] rewards) {
    check(rewards);
    return Arrays.stream(rewards).sum() / rewards.length;
  }

  /**
   * The sample's standard deviation of a group's rewards; 0 for one alone.
   *
   * @throws IllegalArgumentException if there are none or one is not finite
   */
  public static double deviation(double[] rewards) {
    double mean = mean(rewards);
    double squares = 0;
    for (double reward : rewards) {
      squares += (reward - mean) * (reward - mean);
    }
    return rewards.length == 1 ? 0 : Math.sqrt(squares / (rewards.length - 1));
  }

  private static void check(double[] rewards) {
    if (rewards.length == 0) {
      throw new IllegalArgumentException("a group needs one reward at least, but has none");
    }
    for (int i = 0; i < rewards.length; i++) {
      if (!Double.isFinite(rewards[i])) {
        throw new IllegalArgumentException(
            "rewards must be finite, but reward " + i + " of the group is " + rewards[i]);
      }
    }
  }
}
