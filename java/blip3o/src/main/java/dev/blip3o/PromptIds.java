package dev.blip3o;

import java.util.Arrays;
import java.util.Objects;

/**
 * A tokenised prompt: {@code [T]} vocabulary ids, the chat template included, ending in {@code
 * <im_start><S0>}. Immutable.
 */
public final class PromptIds {
  private final int[] ids;

  private PromptIds(int[] ids) {
    if (ids.length == 0) {
      throw new InvalidRequestException("prompt ids need at least one id, but there are none");
    }
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0) {
        throw new InvalidRequestException(
            "prompt ids must not be negative, but id " + i + " is " + ids[i]);
      }
    }
    this.ids = ids;
  }

  /**
   * Ids from elsewhere.
   *
   * @param ids vocabulary ids; copied
   * @throws InvalidRequestException if there are none or one is negative
   */
  public static PromptIds of(int... ids) {
    Objects.requireNonNull(ids, "ids");
    return new PromptIds(ids.clone());
  }

  /** T. */
  public int length() {
    return ids.length;
  }

  /** The ids. A copy. */
  public int[] toArray() {
    return ids.clone();
  }

  int[] array() {
    return ids;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PromptIds prompt && Arrays.equals(ids, prompt.ids);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(ids);
  }

  @Override
  public String toString() {
    return "PromptIds[" + ids.length + "]";
  }
}
