package dev.blip3o;

import java.nio.FloatBuffer;

/**
 * Hidden states: {@code [N + 1, H]} F32, the language model's outputs after its final norm at
 * {@code <S0>} and at every image token.
 */
public final class HiddenStates extends FloatTensor {
  private static final String NAME = "hidden states";

  private HiddenStates(int rows, int hiddenSize, FloatBuffer values) {
    super(NAME, values, rows, hiddenSize);
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
    return new HiddenStates(rows, hiddenSize, copy(values));
  }

  /**
   * Hidden states in memory of the caller's, without a copy.
   *
   * @param rows N + 1
   * @param hiddenSize H
   * @param values {@code rows * hiddenSize} finite values, row by row, from its position to its
   *     limit: a direct buffer in native order, aligned to 4 bytes. Nobody may change or free the
   *     memory while the value, or a buffer of {@link #values}, is in use
   * @param owner is kept reachable as long: what frees the memory when it is collected, where that
   *     is not the buffer itself, which is kept too
   * @throws InvalidRequestException if a size or a value is wrong, or the buffer can't be shared
   * @throws NativeLibraryException if the native library is missing
   */
  public static HiddenStates sharing(int rows, int hiddenSize, FloatBuffer values, Object owner) {
    return new HiddenStates(rows, hiddenSize, share(NAME, values, owner, rows, hiddenSize));
  }

  static HiddenStates owning(int rows, int hiddenSize, FloatBuffer values) {
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
