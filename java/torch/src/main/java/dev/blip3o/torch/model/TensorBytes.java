package dev.blip3o.torch.model;

import dev.blip3o.WeightTensor;
import dev.blip3o.WeightType;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The bytes of tensors as Java's buffers. */
final class TensorBytes {
  private static final Cleaner CLEANER = Cleaner.create();

  private TensorBytes() {}

  /** A parameter as a weight; without a copy where it is of 32-bit floats. */
  static WeightTensor weight(String name, Tensor parameter) {
    Tensor owner = Scopes.withoutGraph(() -> parameter.detach().to(ScalarType.Float));
    owner.retainReference();
    ByteBuffer bytes = new BytePointer(owner.data_ptr()).capacity(owner.nbytes()).asByteBuffer();
    CLEANER.register(bytes, owner::deallocate);
    long[] shape = new long[Math.toIntExact(owner.dim())];
    Arrays.setAll(shape, owner::size);
    return new WeightTensor(name, WeightType.F32, bytes, shape);
  }
}
