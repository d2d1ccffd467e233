package dev.blip3o;

import java.util.Arrays;
import java.util.Objects;

/**
 * What the language model yields for a request: image tokens, and the hidden states kept from
 * decoding. Immutable.
 */
public final class ImageTokens {
  private final int[] tokens;
  private final PromptIds promptIds;
  private final HiddenStates hiddenStates;
  private final long seed;

  ImageTokens(int[] tokens, PromptIds promptIds, HiddenStates hiddenStates, long seed) {
    this.tokens = Objects.requireNonNull(tokens, "tokens");
    this.promptIds = Objects.requireNonNull(promptIds, "promptIds");
    this.hiddenStates = Objects.requireNonNull(hiddenStates, "hiddenStates");
    this.seed = seed;
    if (hiddenStates.rows() != tokens.length + 1) {
      throw new InvalidRequestException(
          tokens.length
              + " image tokens need "
              + (tokens.length + 1)
              + " rows of hidden states, but there are "
              + hiddenStates.rows());
    }
  }

  /** The tokens, {@code [N]}, image codes without offset. A copy. */
  public int[] tokens() {
    return tokens.clone();
  }

  /** The prompt's ids, {@code [T]}. */
  public PromptIds promptIds() {
    return promptIds;
  }

  /** The hidden states, {@code [N + 1, H]}. */
  public HiddenStates hiddenStates() {
    return hiddenStates;
  }

  /**
   * The seed that the tokens were drawn with; {@link Stages#noise} of it continues the same
   * picture.
   */
  public long seed() {
    return seed;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ImageTokens that
        && seed == that.seed
        && Arrays.equals(tokens, that.tokens)
        && promptIds.equals(that.promptIds)
        && hiddenStates.equals(that.hiddenStates);
  }

  @Override
  public int hashCode() {
    return Objects.hash(Arrays.hashCode(tokens), promptIds, hiddenStates, seed);
  }

  @Override
  public String toString() {
    return "ImageTokens[" + tokens.length + "]";
  }
}
