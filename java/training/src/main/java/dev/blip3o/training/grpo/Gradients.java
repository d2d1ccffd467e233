package dev.blip3o.training.grpo;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The gradients of all parameters together. {@code backward} of piece after piece adds to them, so
 * they are cleared once a batch.
 */
public final class Gradients {
  /** Keeps the factor finite, as {@code torch.nn.utils.clip_grad_norm_} does. */
  private static final double EPSILON = 1e-6;

  private Gradients() {}

  /** Forgets them: the next {@code backward} begins anew. */
  public static void clear(List<Parameter> parameters) {
    for (Parameter parameter : parameters) {
      try (Tensor gradient = parameter.tensor().grad()) {
        if (gradient.defined()) {
          gradient.zero_().close();
        }
      }
    }
  }

  /**
   * Their common length, √Σ g², in double precision.
   *
   * @throws IllegalStateException if a parameter has no gradient
   */
  @SuppressWarnings("try") // Scope and guard work by being there.
  public static double norm(List<Parameter> parameters) {
    double squares = 0;
    for (Parameter parameter : parameters) {
      try (PointerScope scope = new PointerScope();
          NoGradGuard guard = new NoGradGuard()) {
        ScalarTypeOptional wide = new ScalarTypeOptional(torch.ScalarType.Double);
        squares += of(parameter).to(torch.ScalarType.Double).square().sum(wide).item_double();
      }
    }
    return Math.sqrt(squares);
  }

  /**
   * Shortens them, so that their common length is {@code limit} at most: g · limit / (norm + 1e-6)
   * where that is below g.
   *
   * @param limit above 0
   * @return the length before
   * @throws GradientException if it is not finite; then nothing is changed
   */
  @SuppressWarnings("try") // Scope and guard work by being there.
  public static double clip(List<Parameter> parameters, double limit) {
    double norm = norm(parameters);
    if (!Double.isFinite(norm)) {
      throw new GradientException(
          "the gradient's norm must be finite, but is "
              + norm
              + "; a lower learning rate or a larger KL weight keeps the model nearer to its start");
    }
    double factor = limit / (norm + EPSILON);
    if (factor < 1) {
      for (Parameter parameter : parameters) {
        try (PointerScope scope = new PointerScope();
            NoGradGuard guard = new NoGradGuard()) {
          of(parameter).mul_(new Scalar(factor));
        }
      }
    }
    return norm;
  }

  /** The gradient of a parameter. */
  static Tensor of(Parameter parameter) {
    Tensor gradient = parameter.tensor().grad();
    if (!gradient.defined()) {
      throw new IllegalStateException(
          "the parameter '" + parameter.name() + "' has no gradient: no loss depends on it");
    }
    return gradient;
  }
}
