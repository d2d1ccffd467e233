package dev.blip3o.training.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class ChosenTokensTest {
  /** Logits ln 1, ln 2, ln 5 are probabilities 1/8, 2/8, 5/8. */
  @Test
  @SuppressWarnings("try")
  void logProbabilitiesEntropiesAndGradientByHand() {
    try (PointerScope scope = new PointerScope()) {
      double[] row = {Math.log(1), Math.log(2), Math.log(5)};
      Tensor logits = Tensors.leaf(new double[] {row[0], row[1], row[2], 7, 7, 7}, 1, 2, 3);
      Tensor tokens = AbstractTensor.create(new long[] {2, 0}, 1, 2);
      try (ChosenTokens chosen = ChosenTokens.of(logits, tokens)) {
        assertArrayEquals(
            new double[] {Math.log(5.0 / 8), Math.log(1.0 / 3)},
            Tensors.values(chosen.logProbabilities()),
            1e-12);
        double entropy = Math.log(8) - 2.0 / 8 * Math.log(2) - 5.0 / 8 * Math.log(5);
        assertArrayEquals(
            new double[] {entropy, Math.log(3)}, Tensors.values(chosen.entropies()), 1e-12);
        assertFalse(chosen.entropies().requires_grad());
        chosen.logProbabilities().sum().backward();
      }
      double third = 1.0 / 3;
      assertArrayEquals(
          new double[] {-1.0 / 8, -2.0 / 8, 3.0 / 8, 1 - third, -third, -third},
          Tensors.values(logits.grad()),
          1e-12);
    }
  }
}
