package dev.blip3o.training.rollouts;

import java.util.Objects;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * How pictures are drawn to be learnt from.
 *
 * @param groupSize pictures of each prompt, 2 or more
 * @param steps denoising steps; empty: the checkpoint's
 * @param guidance of the denoising; empty: the checkpoint's
 */
public record RolloutSettings(int groupSize, OptionalInt steps, OptionalDouble guidance) {
  /**
   * Checks the group's size.
   *
   * @throws IllegalArgumentException if it is below 2
   */
  public RolloutSettings {
    Objects.requireNonNull(steps, "steps");
    Objects.requireNonNull(guidance, "guidance");
    if (groupSize < 2) {
      throw new IllegalArgumentException(
          "a group needs 2 pictures at least to be compared, but has " + groupSize);
    }
  }
}
