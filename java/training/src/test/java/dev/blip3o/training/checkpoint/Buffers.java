package dev.blip3o.training.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Tensors of tests. */
final class Buffers {
  private Buffers() {}

  /** F32 values in direct memory. */
  static StoredTensor f32(String name, List<Long> shape, float... values) {
    ByteBuffer data =
        ByteBuffer.allocateDirect(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(values);
    return new StoredTensor(name, StoredType.F32, shape, data);
  }

  /** 16-bit values in direct memory. */
  static StoredTensor bits(String name, StoredType type, List<Long> shape, int... bits) {
    ByteBuffer data =
        ByteBuffer.allocateDirect(Short.BYTES * bits.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : bits) {
      data.putShort((short) value);
    }
    return new StoredTensor(name, type, shape, data.flip());
  }

  /** The bytes of a tensor. */
  static byte[] bytes(StoredTensor tensor) {
    byte[] bytes = new byte[tensor.data().remaining()];
    tensor.data().get(bytes);
    return bytes;
  }
}
