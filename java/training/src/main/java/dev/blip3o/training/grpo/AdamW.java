package dev.blip3o.training.grpo;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Adam with decoupled weight decay. Step t with gradient g and learning rate η:
 *
 * <pre>
 * w ← w · (1 − η λ)
 * m ← β1 m + (1 − β1) g
 * v ← β2 v + (1 − β2) g²
 * w ← w − η / (1 − β1^t) · m / (√v / √(1 − β2^t) + ε)
 * </pre>
 *
 * <p>Source: Loshchilov and Hutter, arXiv 1711.05101, algorithm 2. LibTorch's own optimiser does
 * not show its state through the preset; here it is plain tensors, {@link #means} and {@link
 * #squares}, which are written beside a checkpoint and read back: with them and {@link
 * #restoreSteps} the next step is the same to the bit.
 *
 * <p>One thread at a time.
 */
public final class AdamW implements AutoCloseable {
  private final List<Parameter> parameters;
  private final AdamWSettings settings;
  private final List<Tensor> means = new ArrayList<>();
  private final List<Tensor> squares = new ArrayList<>();
  private long steps;

  /**
   * An optimiser that has taken no step.
   *
   * @param parameters what it changes; they outlive it
   * @throws IllegalArgumentException if one is neither F32 nor F64
   */
  public AdamW(List<Parameter> parameters, AdamWSettings settings) {
    this.parameters = List.copyOf(parameters);
    this.settings = settings;
    for (Parameter parameter : parameters) {
      checkType(parameter);
    }
    for (Parameter parameter : parameters) {
      means.add(zeros(parameter));
      squares.add(zeros(parameter));
    }
  }

  private static void checkType(Parameter parameter) {
    torch.ScalarType type = parameter.tensor().scalar_type().intern();
    if (type != torch.ScalarType.Float && type != torch.ScalarType.Double) {
      throw new IllegalArgumentException(
          "the parameter '"
              + parameter.name()
              + "' must be F32 or F64 to be trained, but is "
              + type
              + "; train a wider copy of it");
    }
  }

  @SuppressWarnings("try") // Scope and guard work by being there.
  private static Tensor zeros(Parameter parameter) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      Tensor zeros = torch.zeros_like(parameter.tensor());
      zeros.retainReference();
      return zeros;
    }
  }

  /** How many steps it has taken. */
  public long steps() {
    return steps;
  }

  /** m of each parameter, in their order; borrowed. Writing to them restores a state. */
  public List<Tensor> means() {
    return List.copyOf(means);
  }

  /** v of each parameter, in their order; borrowed. Writing to them restores a state. */
  public List<Tensor> squares() {
    return List.copyOf(squares);
  }

  /**
   * Says how many steps the restored state has behind it.
   *
   * @param count 0 or more
   */
  public void restoreSteps(long count) {
    if (count < 0) {
      throw new IllegalArgumentException("steps must be 0 or more, but is " + count);
    }
    steps = count;
  }

  /**
   * Changes the parameters by their gradients.
   *
   * @param learningRate 0 or more
   * @throws IllegalStateException if a parameter has no gradient; then none has changed
   */
  public void step(double learningRate) {
    for (Parameter parameter : parameters) {
      Gradients.of(parameter).close();
    }
    steps++;
    double rate = learningRate / (1 - Math.pow(settings.beta1(), steps));
    double root = Math.sqrt(1 - Math.pow(settings.beta2(), steps));
    for (int i = 0; i < parameters.size(); i++) {
      step(i, 1 - learningRate * settings.weightDecay(), rate, root);
    }
  }

  @SuppressWarnings("try") // Scope and guard work by being there.
  private void step(int index, double kept, double rate, double root) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      Tensor weights = parameters.get(index).tensor();
      Tensor gradient = Gradients.of(parameters.get(index));
      Tensor mean = means.get(index);
      Tensor square = squares.get(index);
      weights.mul_(new Scalar(kept));
      mean.mul_(new Scalar(settings.beta1())).add_(gradient, new Scalar(1 - settings.beta1()));
      square
          .mul_(new Scalar(settings.beta2()))
          .addcmul_(gradient, gradient, new Scalar(1 - settings.beta2()));
      Tensor divisor = square.sqrt().div_(new Scalar(root)).add_(new Scalar(settings.epsilon()));
      weights.addcdiv_(mean, divisor, new Scalar(-rate));
    }
  }

  /** Gives back its state. May be repeated. */
  @Override
  public void close() {
    means.forEach(Tensor::close);
    squares.forEach(Tensor::close);
    means.clear();
    squares.clear();
  }
}
