package dev.blip3o;

import dev.blip3o.internal.DirectMemory;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Objects;

/**
 * An immutable dense, row-major tensor of finite 32-bit floats: what travels between the stages of
 * a picture.
 *
 * <p>The values lie outside the Java heap, in direct memory, so that native code takes them as they
 * are: the stages of a model copy no inputs, and {@code blip3o-torch} gives LibTorch the very same
 * memory. It is freed after the value and every buffer of {@link #values} were collected, which may
 * be late: the JVM collects for its sake only when {@code -XX:MaxDirectMemorySize}, which is {@code
 * -Xmx} unless set, is reached, and not at all under {@code -XX:+DisableExplicitGC}. A picture made
 * stage by stage leaves 13 MB at the public checkpoint's size (hidden states 6.0, condition 6.7,
 * noise and latents 0.13 each); one made by {@link Blip3oModel#generate} leaves none.
 *
 * <p>Factories called {@code of} copy an array; those called {@code sharing} take a caller's direct
 * memory as it is, and nobody may change it while the value lives.
 *
 * <p>Equality compares type, shape and values. Instances may be shared between threads.
 */
public abstract sealed class FloatTensor
    permits HiddenStates, Condition, Noise, Latents, LogProbabilities {
  private final FloatBuffer values;
  private final int[] shape;

  /** Takes ownership of {@code values}, direct memory from position 0 to its limit. */
  FloatTensor(String name, FloatBuffer values, int... shape) {
    Objects.requireNonNull(values, "values");
    Checks.shape(name, values.limit(), shape);
    Checks.finite(name, values);
    this.values = values.asReadOnlyBuffer();
    this.shape = shape;
  }

  /** Direct memory with a copy of {@code values}. */
  static FloatBuffer copy(float[] values) {
    return DirectMemory.copy(Objects.requireNonNull(values, "values"));
  }

  /** The caller's memory, with its owner kept for as long as a buffer over it is. */
  static FloatBuffer share(String name, FloatBuffer values, Object owner, int... shape) {
    Objects.requireNonNull(owner, "owner");
    Checks.shape(name, values.remaining(), shape);
    try {
      return DirectMemory.share(values, owner);
    } catch (IllegalArgumentException e) {
      throw new InvalidRequestException(name + " " + e.getMessage());
    }
  }

  /** The sizes of the axes, slowest first. A copy. */
  public final int[] shape() {
    return shape.clone();
  }

  /**
   * The values in row-major order: a read-only direct buffer in native order, without a copy. It
   * and every buffer made of it keep the memory, and the owner of a shared one.
   */
  public final FloatBuffer values() {
    return values.duplicate();
  }

  /** The values in row-major order. A copy in the Java heap. */
  public final float[] toArray() {
    float[] copy = new float[values.limit()];
    values.get(0, copy);
    return copy;
  }

  final int size(int axis) {
    return shape[axis];
  }

  @Override
  public boolean equals(Object other) {
    return other != null
        && other.getClass() == getClass()
        && Arrays.equals(shape, ((FloatTensor) other).shape)
        && equal(values, ((FloatTensor) other).values);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(shape) + hash(values);
  }

  /** Bit by bit, as {@link Arrays#equals(float[], float[])}: 0 is not -0. */
  static boolean equal(FloatBuffer values, FloatBuffer others) {
    if (values.limit() != others.limit()) {
      return false;
    }
    for (int i = 0; i < values.limit(); i++) {
      if (Float.floatToIntBits(values.get(i)) != Float.floatToIntBits(others.get(i))) {
        return false;
      }
    }
    return true;
  }

  /** As {@link Arrays#hashCode(float[])}. */
  static int hash(FloatBuffer values) {
    int hash = 1;
    for (int i = 0; i < values.limit(); i++) {
      hash = 31 * hash + Float.floatToIntBits(values.get(i));
    }
    return hash;
  }

  @Override
  public String toString() {
    return getClass().getSimpleName() + Shapes.text(shape);
  }
}
