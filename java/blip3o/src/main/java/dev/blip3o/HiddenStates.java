package dev.blip3o;

/**
 * Hidden states: {@code [N + 1, H]} F32, the language model's outputs after its final norm at
 * {@code <S0>} and at every image token.
 */
public final class HiddenStates extends FloatTensor {
  private HiddenStates(int rows, int hiddenSize, float[] values) {
    super("hidden states", values, rows, hiddenSize);
  }

  /**
   * Hidden states from elsewhere.
   *
   * @param rows N + 1
   * @param hiddenSize H
   * @param values {@code rows * hiddenSize} finite values, row by row; copied
   * @throws InvalidRequestException if a size or a value is wrong
   */
  public static HiddenStates of(int rows, int hiddenSize, float[] values) {
    return new HiddenStates(rows, hiddenSize, values.clone());
  }

  static HiddenStates owning(int rows, int hiddenSize, float[] values) {
    return new HiddenStates(rows, hiddenSize, values);
  }

  /** N + 1. */
  public int rows() {
    return size(0);
  }

  /** H. */
  public int hiddenSize() {
    return size(1);
  }
}
