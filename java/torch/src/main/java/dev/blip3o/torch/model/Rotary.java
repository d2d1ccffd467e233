package dev.blip3o.torch.model;

import dev.blip3o.LanguageModelConfig;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The rotary position embedding, half-split: elements i and i + d/2 of a head turn by position /
 * theta^(2i / d).
 *
 * @param cos {@code [T, d]}
 * @param sin {@code [T, d]}
 */
record Rotary(Tensor cos, Tensor sin) {
  /** The angles of positions 0 to {@code length - 1}; both tensors are the caller's. */
  static Rotary of(LanguageModelConfig config, int length, Precision precision) {
    return new Rotary(
        Scopes.withoutGraph(() -> angles(config, length).cos().to(precision.type())),
        Scopes.withoutGraph(() -> angles(config, length).sin().to(precision.type())));
  }

  private static Tensor angles(LanguageModelConfig config, int length) {
    int half = config.headDim() / 2;
    double[] frequencies = new double[half];
    for (int i = 0; i < half; i++) {
      frequencies[i] = Math.pow(config.ropeTheta(), -i / (double) half);
    }
    TensorOptions doubles = new TensorOptions(ScalarType.Double);
    Tensor turns = torch.from_blob(new DoublePointer(frequencies), new long[] {half}, doubles);
    Tensor positions = torch.arange(new Scalar(length), doubles);
    Tensor angles = torch.outer(positions, turns);
    return torch.cat(new TensorVector(angles, angles), 1);
  }

  /** Turns the heads {@code x [B, heads, T, d]}. */
  Tensor turn(Tensor x) {
    long half = x.size(3) / 2;
    Tensor turned =
        torch.cat(new TensorVector(x.narrow(3, half, half).neg(), x.narrow(3, 0, half)), 3);
    return x.mul(cos).add(turned.mul(sin));
  }
}
