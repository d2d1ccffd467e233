package dev.blip3o.training.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against numbers worked out by hand, and against LibTorch's own optimiser. */
class AdamWTest {
  private static final AdamWSettings DECAYING = new AdamWSettings(0.9, 0.99, 1e-8, 0.1);

  private PointerScope scope;

  @BeforeEach
  void open() {
    scope = new PointerScope();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  /** The gradient of Σ (w − 3)² · (t + 1). */
  private static void backward(Tensor weights, int step) {
    Gradients.clear(List.of(new Parameter("w", weights)));
    Tensor away = weights.sub(new Scalar(3.0));
    away.square().sum().mul(new Scalar(step + 1.0)).backward();
  }

  /**
   * w = 1, g = 0.5, η = 0.1, λ = 0.1: w becomes 0.99, m̂ = 0.5, v̂ = 0.25, so that it moves by 0.1
   * · 0.5 / (0.5 + 1e-8).
   */
  @Test
  void theFirstStepByHand() {
    Tensor weights = Tensors.leaf(new double[] {1}, 1);
    weights.mul(new Scalar(0.5)).sum().backward();
    try (AdamW optimiser = new AdamW(List.of(new Parameter("w", weights)), DECAYING)) {
      optimiser.step(0.1);
      assertEquals(1, optimiser.steps());
      assertArrayEquals(
          new double[] {0.99 - 0.1 * 0.5 / (0.5 + 1e-8)}, Tensors.values(weights), 1e-14);
      assertArrayEquals(new double[] {0.05}, Tensors.values(optimiser.means().get(0)), 1e-15);
      assertArrayEquals(new double[] {0.0025}, Tensors.values(optimiser.squares().get(0)), 1e-15);
    }
  }

  @Test
  void manyStepsAreThoseOfLibTorch() {
    double[] start = {1, -2, 0.25, 9};
    Tensor ours = Tensors.leaf(start, 4);
    Tensor theirs = Tensors.leaf(start, 4);
    AdamWOptions options = new AdamWOptions(0.01);
    options.weight_decay().put(0.1);
    org.bytedeco.pytorch.AdamW reference =
        new org.bytedeco.pytorch.AdamW(new TensorVector(theirs), options);
    AdamWSettings settings = new AdamWSettings(0.9, 0.999, 1e-8, 0.1);
    try (AdamW optimiser = new AdamW(List.of(new Parameter("w", ours)), settings)) {
      for (int step = 0; step < 30; step++) {
        backward(ours, step);
        optimiser.step(0.01);
        backward(theirs, step);
        reference.step();
        assertArrayEquals(Tensors.values(theirs), Tensors.values(ours), 1e-12, "step " + step);
      }
    }
  }

  @Test
  @SuppressWarnings("try")
  void aRestoredStateGoesOnToTheBit() {
    double[] start = {1, -2, 0.25, 9, 1e-3};
    Tensor whole = single(start);
    Tensor interrupted = single(start);
    try (AdamW straight = new AdamW(List.of(new Parameter("w", whole)), DECAYING);
        AdamW before = new AdamW(List.of(new Parameter("w", interrupted)), DECAYING)) {
      for (int step = 0; step < 10; step++) {
        backward(whole, step);
        straight.step(0.01);
      }
      for (int step = 0; step < 5; step++) {
        backward(interrupted, step);
        before.step(0.01);
      }
      try (AdamW after = new AdamW(List.of(new Parameter("w", interrupted)), DECAYING)) {
        try (NoGradGuard guard = new NoGradGuard()) {
          after.means().get(0).copy_(before.means().get(0));
          after.squares().get(0).copy_(before.squares().get(0));
        }
        after.restoreSteps(before.steps());
        for (int step = 5; step < 10; step++) {
          backward(interrupted, step);
          after.step(0.01);
        }
      }
    }
    assertArrayEquals(Tensors.bits(whole), Tensors.bits(interrupted));
  }

  private static Tensor single(double[] values) {
    Tensor tensor = Tensors.constant(values, values.length).to(torch.ScalarType.Float);
    tensor.set_requires_grad(true);
    return tensor;
  }

  @Test
  void sixteenBitsAreRefused() {
    Tensor half = Tensors.constant(new double[] {1}, 1).to(torch.ScalarType.BFloat16);
    List<Parameter> parameters = List.of(new Parameter("layer.weight", half));
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> new AdamW(parameters, AdamWSettings.DEFAULT).close());
    assertTrue(e.getMessage().contains("'layer.weight' must be F32 or F64"), e.getMessage());
  }

  @Test
  void withoutAGradientNothingChanges() {
    Tensor first = Tensors.leaf(new double[] {1}, 1);
    Tensor second = Tensors.leaf(new double[] {2}, 1);
    first.sum().backward();
    List<Parameter> parameters =
        List.of(new Parameter("first", first), new Parameter("second", second));
    try (AdamW optimiser = new AdamW(parameters, AdamWSettings.DEFAULT)) {
      IllegalStateException e =
          assertThrows(IllegalStateException.class, () -> optimiser.step(0.1));
      assertTrue(e.getMessage().contains("'second'"), e.getMessage());
      assertEquals(0, optimiser.steps());
      assertArrayEquals(new double[] {1}, Tensors.values(first));
    }
  }

  @Test
  void settingsHaveRanges() {
    assertThrows(IllegalArgumentException.class, () -> new AdamWSettings(1, 0.9, 1e-8, 0));
    assertThrows(IllegalArgumentException.class, () -> new AdamWSettings(0.9, -0.1, 1e-8, 0));
    assertThrows(IllegalArgumentException.class, () -> new AdamWSettings(0.9, 0.9, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> new AdamWSettings(0.9, 0.9, 1e-8, -1));
  }
}
