package dev.blip3o.torch.model;

import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.global.torch;

/** How gradients get into leaves. */
final class Gradients {
  private Gradients() {}

  /** The same values as the beginning of a graph of its own. */
  static Tensor leaf(Tensor tensor) {
    Tensor leaf = tensor.detach();
    leaf.set_requires_grad(true);
    return leaf;
  }

  /** Carries {@code gradient} of {@code result} to the leaves of its graph, which is freed. */
  static void backward(Tensor result, Tensor gradient) {
    result.backward(gradient, new BoolOptional(), false, new TensorArrayRefOptional());
  }

  /** Sets the gradient of a parameter to zero where there is one. */
  static void zero(Tensor parameter) {
    if (parameter.grad().defined()) {
      parameter.grad().zero_();
    }
  }

  /** The gradient of a parameter, which is made of zeros where there is none yet. */
  static Tensor of(Tensor parameter) {
    if (!parameter.grad().defined()) {
      parameter.mutable_grad().put(torch.zeros_like(parameter).detach());
    }
    return parameter.grad();
  }
}
