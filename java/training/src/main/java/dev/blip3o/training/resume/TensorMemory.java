package dev.blip3o.training.resume;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.Tensor;

/** A tensor as its bytes. */
final class TensorMemory {
  private TensorMemory() {}

  /**
   * The tensor's own memory, little-endian; valid for as long as the tensor is open.
   *
   * @throws IllegalArgumentException if it is not dense
   */
  static ByteBuffer of(Tensor tensor) {
    if (!tensor.is_contiguous()) {
      throw new IllegalArgumentException(
          "a tensor must be contiguous to be written, but one of the shape "
              + Arrays.toString(tensor.shape())
              + " is not");
    }
    BytePointer bytes = new BytePointer(tensor.data_ptr()).capacity(tensor.nbytes());
    return bytes.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }
}
