package dev.blip3o.torch.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** How close tensors are. */
final class Close {
  private Close() {}

  /** The values of a tensor, as 32-bit floats. */
  static float[] floats(Tensor tensor) {
    try (Tensor dense = tensor.detach().to(ScalarType.Float);
        Tensor rows = dense.contiguous()) {
      float[] values = new float[(int) rows.numel()];
      new FloatPointer(rows.data_ptr()).get(values);
      return values;
    }
  }

  /** Asserts that |found - expected| is at most {@code tolerance} times |expected|. */
  static void assertClose(float[] expected, float[] found, double tolerance) {
    assertEquals(expected.length, found.length);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(found[i] - (double) expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    double relative = Math.sqrt(difference / norm);
    assertTrue(norm > 0 && relative <= tolerance, "relative L2 " + relative);
  }
}
