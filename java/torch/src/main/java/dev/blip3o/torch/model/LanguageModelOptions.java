package dev.blip3o.torch.model;

import dev.blip3o.InvalidRequestException;
import java.util.Objects;

/**
 * How a language model computes.
 *
 * @param precision of parameters, activations and gradients
 * @param checkpointing whether {@link LanguageModel#accumulateGradients} keeps of every layer only
 *     its input, and computes the layer again when its gradient is due: a third more work, and the
 *     activations of one layer in memory instead of all
 * @param logitsBytes how many bytes of logits exist at once, at least those of one position, where
 *     the probabilities of tokens are computed; at least 1
 */
public record LanguageModelOptions(Precision precision, boolean checkpointing, long logitsBytes) {
  /** 32-bit floats, checkpointing, 32 MiB of logits. */
  public static final LanguageModelOptions DEFAULT =
      new LanguageModelOptions(Precision.F32, true, 32L << 20);

  /**
   * Checks the numbers.
   *
   * @throws InvalidRequestException if one is out of its range
   */
  public LanguageModelOptions {
    Objects.requireNonNull(precision, "precision");
    if (logitsBytes < 1) {
      throw new InvalidRequestException("logitsBytes must be at least 1, but is " + logitsBytes);
    }
  }

  /** The same with or without checkpointing. */
  public LanguageModelOptions withCheckpointing(boolean checkpointing) {
    return new LanguageModelOptions(precision, checkpointing, logitsBytes);
  }
}
