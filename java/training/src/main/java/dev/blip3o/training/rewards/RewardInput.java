package dev.blip3o.training.rewards;

import dev.blip3o.GeneratedImage;
import dev.blip3o.training.prompts.TrainingPrompt;
import java.awt.image.BufferedImage;
import java.util.Objects;

/**
 * A picture to score.
 *
 * @param prompt what it was drawn for
 * @param picture its pixels; nobody writes to them any more
 * @param tokens its image tokens, {@code [N]}, without offset; empty where it was drawn by others
 */
public record RewardInput(TrainingPrompt prompt, BufferedImage picture, int[] tokens) {
  /** Checks that all are there, and copies the tokens. */
  public RewardInput {
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(picture, "picture");
    tokens = tokens.clone();
  }

  /** A picture without tokens. */
  public RewardInput(TrainingPrompt prompt, BufferedImage picture) {
    this(prompt, picture, new int[0]);
  }

  /** A picture that the model has drawn. */
  public static RewardInput of(TrainingPrompt prompt, GeneratedImage image) {
    return new RewardInput(prompt, image.toBufferedImage(), image.tokens());
  }

  /** The image tokens. A copy. */
  @Override
  public int[] tokens() {
    return tokens.clone();
  }
}
