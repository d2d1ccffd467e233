package dev.blip3o.training.grpo;

/**
 * What the loss of a whole batch is divided by, where it is computed piece by piece.
 *
 * @param sequences B, 1 or more
 * @param tokens Σ |o(i)|, 1 or more
 */
public record BatchSize(long sequences, long tokens) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException if one is left
   */
  public BatchSize {
    if (sequences < 1 || tokens < 1) {
      throw new IllegalArgumentException(
          "a batch needs sequences and tokens, but has " + sequences + " and " + tokens);
    }
  }
}
