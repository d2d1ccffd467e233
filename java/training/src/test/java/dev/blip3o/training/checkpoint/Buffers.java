package dev.blip3o.training.checkpoint;

import dev.blip3o.WeightTensor;
import dev.blip3o.WeightType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Tensors of tests. */
final class Buffers {
  private Buffers() {}

  /** F32 values in direct memory. */
  static WeightTensor f32(String name, List<Long> shape, float... values) {
    ByteBuffer data =
        ByteBuffer.allocateDirect(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(values);
    return new WeightTensor(name, WeightType.F32, data, sizes(shape));
  }

  /** 16-bit values in direct memory. */
  static WeightTensor bits(String name, WeightType type, List<Long> shape, int... bits) {
    ByteBuffer data =
        ByteBuffer.allocateDirect(Short.BYTES * bits.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : bits) {
      data.putShort((short) value);
    }
    return new WeightTensor(name, type, data.flip(), sizes(shape));
  }

  private static long[] sizes(List<Long> shape) {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }

  /** The bytes of a tensor. */
  static byte[] bytes(WeightTensor tensor) {
    byte[] bytes = new byte[tensor.data().remaining()];
    tensor.data().get(bytes);
    return bytes;
  }
}
