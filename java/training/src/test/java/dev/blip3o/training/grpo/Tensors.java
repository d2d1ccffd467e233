package dev.blip3o.training.grpo;

import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Tensors of tests, and their values. */
final class Tensors {
  private Tensors() {}

  /** A leaf of F64 that requires a gradient. */
  static Tensor leaf(double[] values, long... shape) {
    Tensor tensor = AbstractTensor.create(values, shape);
    tensor.set_requires_grad(true);
    return tensor;
  }

  /** A constant of F64. */
  static Tensor constant(double[] values, long... shape) {
    return AbstractTensor.create(values, shape);
  }

  /** The values of a tensor, row-major. */
  static double[] values(Tensor tensor) {
    Tensor wide = tensor.detach().to(torch.ScalarType.Double).contiguous();
    DoubleBuffer buffer = wide.createBuffer();
    double[] values = new double[Math.toIntExact(wide.numel())];
    buffer.get(values);
    return values;
  }

  /** The bits of an F32 tensor. */
  static int[] bits(Tensor tensor) {
    FloatBuffer buffer = tensor.detach().createBuffer();
    int[] bits = new int[Math.toIntExact(tensor.numel())];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(buffer.get(i));
    }
    return bits;
  }
}
