package dev.blip3o;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Objects;

/**
 * An immutable dense, row-major tensor of finite 32-bit floats: what travels between the stages of
 * a picture.
 *
 * <p>Equality compares type, shape and values. Instances may be shared between threads.
 */
public abstract sealed class FloatTensor permits HiddenStates, Condition, Noise, Latents {
  private final float[] values;
  private final int[] shape;

  /** Takes ownership of {@code values}: callers of public factories copy first. */
  FloatTensor(String name, float[] values, int... shape) {
    Objects.requireNonNull(values, "values");
    Checks.shape(name, values.length, shape);
    Checks.finite(name, values);
    this.values = values;
    this.shape = shape;
  }

  /** The sizes of the axes, slowest first. A copy. */
  public final int[] shape() {
    return shape.clone();
  }

  /** The values in row-major order. A read-only view, without a copy. */
  public final FloatBuffer values() {
    return FloatBuffer.wrap(values).asReadOnlyBuffer();
  }

  /** The values in row-major order. A copy. */
  public final float[] toArray() {
    return values.clone();
  }

  /** The values themselves, for code of this package that only reads. */
  final float[] array() {
    return values;
  }

  final int size(int axis) {
    return shape[axis];
  }

  @Override
  public boolean equals(Object other) {
    return other != null
        && other.getClass() == getClass()
        && Arrays.equals(shape, ((FloatTensor) other).shape)
        && Arrays.equals(values, ((FloatTensor) other).values);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(shape) + Arrays.hashCode(values);
  }

  @Override
  public String toString() {
    return getClass().getSimpleName() + Shapes.text(shape);
  }
}
