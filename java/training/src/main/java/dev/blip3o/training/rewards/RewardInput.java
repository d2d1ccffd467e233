package dev.blip3o.training.rewards;

import dev.blip3o.training.prompts.TrainingPrompt;
import java.awt.image.BufferedImage;
import java.util.Objects;

/**
 * A picture to score.
 *
 * @param prompt what it was drawn for
 * @param picture its pixels; nobody writes to them any more
 */
public record RewardInput(TrainingPrompt prompt, BufferedImage picture) {
  /** Checks that both are there. */
  public RewardInput {
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(picture, "picture");
  }
}
