package dev.blip3o.training.grpo;

import java.util.Objects;

/**
 * The numbers of the loss.
 *
 * @param clip ε: how far the ratio of probabilities may leave 1 before it stops mattering, above 0
 *     and below 1
 * @param klWeight β: the weight of the divergence from the starting model, 0 or more
 * @param variant how the losses of tokens become one
 * @param maxLength L: the longest that a sequence may be, tokens, 1 or more; {@link
 *     LossVariant#DR_GRPO} divides by it
 */
public record GrpoSettings(double clip, double klWeight, LossVariant variant, int maxLength) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException if one is left
   */
  public GrpoSettings {
    Objects.requireNonNull(variant, "variant");
    if (!(clip > 0 && clip < 1)) {
      throw new IllegalArgumentException("clip must be above 0 and below 1, but is " + clip);
    }
    if (!(klWeight >= 0 && Double.isFinite(klWeight))) {
      throw new IllegalArgumentException("klWeight must be 0 or more, but is " + klWeight);
    }
    if (maxLength < 1) {
      throw new IllegalArgumentException("maxLength must be 1 or more, but is " + maxLength);
    }
  }

  /**
   * The public recipe's: clip 0.2, KL weight 0.001, {@link LossVariant#BNPO}.
   *
   * @param maxLength the image tokens of a picture
   */
  public static GrpoSettings recipe(int maxLength) {
    return new GrpoSettings(0.2, 0.001, LossVariant.BNPO, maxLength);
  }
}
