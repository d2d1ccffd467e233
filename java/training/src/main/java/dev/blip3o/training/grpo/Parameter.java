package dev.blip3o.training.grpo;

import java.util.Objects;
import org.bytedeco.pytorch.Tensor;

/**
 * A tensor that is trained; borrowed.
 *
 * @param name its name in the checkpoint
 * @param tensor a leaf that requires a gradient, F32 or F64: in 16 bits steps of 1e-6 would be lost
 */
public record Parameter(String name, Tensor tensor) {
  /** Checks that both are there. */
  public Parameter {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(tensor, "tensor");
  }
}
