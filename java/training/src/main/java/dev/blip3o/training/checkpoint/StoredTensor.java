package dev.blip3o.training.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;

/**
 * A named tensor's bytes: dense, row-major, little-endian. Borrows the buffer, which nobody writes
 * to meanwhile.
 *
 * @param name its name in the file
 * @param type of its elements
 * @param shape sizes of its axes, slowest first; empty: one value
 * @param data the bytes from its position to its limit
 */
public record StoredTensor(String name, StoredType type, List<Long> shape, ByteBuffer data) {
  /**
   * Checks that the bytes fit the shape.
   *
   * @throws IllegalArgumentException if they don't
   */
  public StoredTensor {
    Objects.requireNonNull(name, "name");
    shape = List.copyOf(shape);
    data = data.slice().asReadOnlyBuffer();
    long bytes = type.bytes();
    for (long size : shape) {
      bytes = Math.multiplyExact(bytes, size);
    }
    if (bytes != data.remaining()) {
      throw new IllegalArgumentException(
          String.format(
              "the tensor '%s' %s %s needs %d bytes, but has %d",
              name, type, shape, bytes, data.remaining()));
    }
  }

  /** The bytes, little-endian and read-only. A view of its own. */
  @Override
  public ByteBuffer data() {
    return data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }
}
