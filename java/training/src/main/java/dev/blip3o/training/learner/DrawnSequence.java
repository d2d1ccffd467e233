package dev.blip3o.training.learner;

import dev.blip3o.PromptIds;
import java.util.Objects;

/**
 * A picture's tokens as the learner sees them. The arrays are borrowed: nobody changes them.
 *
 * @param prompt ids that end in {@code <im_start><S0>}
 * @param tokens {@code [N]} image codes without offset
 * @param logProbabilities {@code [N]}, of the tokens in the distribution that they were drawn from
 * @param advantage how much better the picture is than its group
 */
public record DrawnSequence(
    PromptIds prompt, int[] tokens, float[] logProbabilities, double advantage) {
  /**
   * Checks that each token has a log-probability.
   *
   * @throws IllegalArgumentException if not
   */
  public DrawnSequence {
    Objects.requireNonNull(prompt, "prompt");
    if (tokens.length != logProbabilities.length) {
      throw new IllegalArgumentException(
          String.format(
              "each of %d tokens needs a log-probability, but there are %d",
              tokens.length, logProbabilities.length));
    }
  }
}
