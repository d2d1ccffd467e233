package dev.blip3o;

import dev.blip3o.internal.DirectMemory;
import java.nio.IntBuffer;
import java.util.Objects;

/**
 * What the language model yields for a request: image tokens, and the hidden states kept from
 * decoding. Immutable. The tokens lie in direct memory, as the values of a {@link FloatTensor}.
 */
public final class ImageTokens {
  private final IntBuffer tokens;
  private final PromptIds promptIds;
  private final HiddenStates hiddenStates;
  private final long seed;

  /** Takes ownership of {@code tokens}, direct memory from position 0 to its limit. */
  private ImageTokens(IntBuffer tokens, PromptIds promptIds, HiddenStates hiddenStates, long seed) {
    this.tokens = tokens.asReadOnlyBuffer();
    this.promptIds = Objects.requireNonNull(promptIds, "promptIds");
    this.hiddenStates = Objects.requireNonNull(hiddenStates, "hiddenStates");
    this.seed = seed;
    if (hiddenStates.rows() != tokens.limit() + 1) {
      throw new InvalidRequestException(
          tokens.limit()
              + " image tokens need "
              + (tokens.limit() + 1)
              + " rows of hidden states, but there are "
              + hiddenStates.rows());
    }
  }

  /**
   * Tokens from elsewhere.
   *
   * @param tokens {@code [N]}, image codes without offset; copied
   * @param promptIds what they were drawn for
   * @param hiddenStates {@code [N + 1, H]}
   * @param seed what they were drawn with
   * @throws InvalidRequestException if tokens and hidden states don't belong together
   */
  public static ImageTokens of(
      int[] tokens, PromptIds promptIds, HiddenStates hiddenStates, long seed) {
    Objects.requireNonNull(tokens, "tokens");
    return new ImageTokens(DirectMemory.copy(tokens), promptIds, hiddenStates, seed);
  }

  /**
   * Tokens in memory of the caller's, without a copy.
   *
   * @param tokens {@code [N]}, image codes without offset, from its position to its limit: a direct
   *     buffer in native order, aligned to 4 bytes. Nobody may change or free the memory while the
   *     value, or a buffer of {@link #values}, is in use
   * @param promptIds what they were drawn for
   * @param hiddenStates {@code [N + 1, H]}
   * @param seed what they were drawn with
   * @param owner is kept reachable as long: what frees the memory when it is collected, where that
   *     is not the buffer itself, which is kept too
   * @throws InvalidRequestException if tokens and hidden states don't belong together, or the
   *     buffer can't be shared
   * @throws NativeLibraryException if the native library is missing
   */
  public static ImageTokens sharing(
      IntBuffer tokens, PromptIds promptIds, HiddenStates hiddenStates, long seed, Object owner) {
    Objects.requireNonNull(owner, "owner");
    Checks.shape("image tokens", tokens.remaining(), hiddenStates.rows() - 1);
    try {
      return new ImageTokens(DirectMemory.share(tokens, owner), promptIds, hiddenStates, seed);
    } catch (IllegalArgumentException e) {
      throw new InvalidRequestException("image tokens " + e.getMessage());
    }
  }

  /** The tokens, {@code [N]}, image codes without offset. A copy in the Java heap. */
  public int[] tokens() {
    int[] copy = new int[tokens.limit()];
    tokens.get(0, copy);
    return copy;
  }

  /**
   * The tokens, {@code [N]}: a read-only direct buffer in native order, without a copy. It and
   * every buffer made of it keep the memory, and the owner of a shared one.
   */
  public IntBuffer values() {
    return tokens.duplicate();
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
        && tokens.equals(that.tokens)
        && promptIds.equals(that.promptIds)
        && hiddenStates.equals(that.hiddenStates);
  }

  @Override
  public int hashCode() {
    return Objects.hash(tokens, promptIds, hiddenStates, seed);
  }

  @Override
  public String toString() {
    return "ImageTokens[" + tokens.limit() + "]";
  }
}
