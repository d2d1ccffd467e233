package dev.blip3o.training.grpo;

/**
 * Sums over the tokens that count, so that the pieces of a batch add up.
 *
 * @param loss the pieces' loss, already divided by what belongs to the whole batch
 * @param kl of the estimator of the divergence from the starting model, nats
 * @param clipped how many tokens the clip kept from moving the model
 * @param entropy −log p of the drawn tokens, nats: its mean is an estimate of the entropy of the
 *     model's distributions that is right in the mean where the model itself drew them
 * @param tokens how many count
 */
public record TokenSums(double loss, double kl, double clipped, double entropy, double tokens) {
  /** No tokens yet. */
  public static final TokenSums NONE = new TokenSums(0, 0, 0, 0, 0);

  /** Both together. */
  public TokenSums plus(TokenSums other) {
    return new TokenSums(
        loss + other.loss,
        kl + other.kl,
        clipped + other.clipped,
        entropy + other.entropy,
        tokens + other.tokens);
  }

  /** Mean divergence of a token, nats; NaN where none counts. */
  public double meanKl() {
    return kl / tokens;
  }

  /** Share of the tokens that the clip kept, from 0 to 1; NaN where none counts. */
  public double clippedShare() {
    return clipped / tokens;
  }

  /** Mean entropy of a token, nats; NaN where none counts. */
  public double meanEntropy() {
    return entropy / tokens;
  }
}
