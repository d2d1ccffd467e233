package dev.blip3o;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;
import java.util.Objects;

/**
 * A tensor of a language model: its name in the checkpoint, and its values in direct memory.
 *
 * <p>The memory is the caller's or the library's; nobody may change it while it is read. Instances
 * may be shared between threads.
 */
public final class WeightTensor {
  private final String name;
  private final WeightType type;
  private final long[] shape;
  private final ByteBuffer data;

  /**
   * A tensor.
   *
   * @param name for example {@code "model.layers.0.self_attn.q_proj.weight"}
   * @param type how its values are stored
   * @param data a direct buffer: the values, little-endian and row-major, from its position to its
   *     limit; not copied
   * @param shape the sizes of the axes, slowest first
   * @throws InvalidRequestException if the buffer is not direct, or not of the shape's size
   */
  public WeightTensor(String name, WeightType type, ByteBuffer data, long... shape) {
    this.name = Objects.requireNonNull(name, "name");
    this.type = Objects.requireNonNull(type, "type");
    this.shape = shape.clone();
    if (!data.isDirect()) {
      throw new InvalidRequestException(
          "tensor " + name + " must lie in a direct buffer, but lies in the heap: copy it to one");
    }
    long expected = type.bytes();
    for (long size : shape) {
      expected = Math.multiplyExact(expected, Math.max(size, 0));
    }
    if (data.remaining() != expected) {
      throw new InvalidRequestException(
          String.format(
              Locale.ROOT,
              "tensor %s of type %s and shape %s takes %d bytes, but its buffer has %d",
              name,
              type,
              Shapes.text(shape),
              expected,
              data.remaining()));
    }
    this.data = data.slice().asReadOnlyBuffer();
  }

  /** Its name in the checkpoint. */
  public String name() {
    return name;
  }

  /** How its values are stored. */
  public WeightType type() {
    return type;
  }

  /** The sizes of the axes, slowest first. A copy. */
  public long[] shape() {
    return shape.clone();
  }

  /** The values, little-endian and row-major: a read-only direct buffer, without a copy. */
  public ByteBuffer data() {
    return data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public String toString() {
    return "WeightTensor[" + name + " " + type + " " + Shapes.text(shape) + "]";
  }
}
