package dev.blip3o.training.grpo;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * What logits say of the tokens that were drawn, at temperature 1 over the whole vocabulary. Its
 * owner closes it.
 *
 * @param logProbabilities [B, T], with the graph of the logits
 * @param entropies [B, T], of the distributions, nats; without a graph
 */
public record ChosenTokens(Tensor logProbabilities, Tensor entropies) implements AutoCloseable {
  /**
   * Reads logits.
   *
   * @param logits [B, T, V], of a floating type
   * @param tokens [B, T], 64-bit integers in [0, V)
   */
  @SuppressWarnings("try") // The scope closes what is made between.
  public static ChosenTokens of(Tensor logits, Tensor tokens) {
    try (PointerScope scope = new PointerScope()) {
      Tensor logarithms = logits.log_softmax(-1);
      Tensor chosen = logarithms.gather(-1, tokens.unsqueeze(-1)).squeeze(-1);
      Tensor entropies = entropies(logarithms);
      chosen.retainReference();
      entropies.retainReference();
      return new ChosenTokens(chosen, entropies);
    }
  }

  @SuppressWarnings("try") // The guard works by being there.
  private static Tensor entropies(Tensor logarithms) {
    try (NoGradGuard guard = new NoGradGuard()) {
      return logarithms.exp().mul(logarithms).sum(-1).neg();
    }
  }

  @Override
  public void close() {
    logProbabilities.close();
    entropies.close();
  }
}
