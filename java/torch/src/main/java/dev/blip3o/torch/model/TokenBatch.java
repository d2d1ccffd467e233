package dev.blip3o.torch.model;

import dev.blip3o.InvalidRequestException;
import dev.blip3o.PromptIds;
import java.util.List;
import java.util.Objects;

/**
 * Sequences that a model computes together. Prompts may differ in length; what a sequence yields
 * does not depend on the others, up to rounding.
 *
 * @param sequences at least one, all with the same number N of image tokens
 */
public record TokenBatch(List<Sequence> sequences) {
  /**
   * A prompt and the image tokens that were drawn for it.
   *
   * @param prompt {@code [T]} ids that end in {@code <im_start><S0>}
   * @param tokens {@code [N]} image codes without offset, at least one; copied in, not out
   */
  public record Sequence(PromptIds prompt, int[] tokens) {
    /** Copies the tokens. */
    public Sequence {
      Objects.requireNonNull(prompt, "prompt");
      tokens = tokens.clone();
    }
  }

  /**
   * Copies the list.
   *
   * @throws InvalidRequestException if it is empty, a sequence has no tokens, or not as many as the
   *     first
   */
  public TokenBatch {
    sequences = List.copyOf(sequences);
    if (sequences.isEmpty()) {
      throw new InvalidRequestException("a batch needs at least one sequence, but has none");
    }
    int tokens = sequences.get(0).tokens.length;
    for (int i = 0; i < sequences.size(); i++) {
      int found = sequences.get(i).tokens.length;
      if (found == 0 || found != tokens) {
        throw new InvalidRequestException(
            String.format(
                "the sequences of a batch need the same number of image tokens, at least 1, but"
                    + " sequence 0 has %d and sequence %d has %d",
                tokens, i, found));
      }
    }
  }

  /** A batch of one sequence. */
  public static TokenBatch of(PromptIds prompt, int... tokens) {
    return new TokenBatch(List.of(new Sequence(prompt, tokens)));
  }

  /** B. */
  public int size() {
    return sequences.size();
  }

  /** N. */
  public int tokens() {
    return sequences.get(0).tokens.length;
  }
}
