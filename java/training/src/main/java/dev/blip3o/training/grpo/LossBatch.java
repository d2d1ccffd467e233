package dev.blip3o.training.grpo;

import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/**
 * A piece of a batch, as the loss sees it; borrowed, all of one floating type.
 *
 * @param logProbabilities [B, T], of the drawn tokens under the model that learns, with its graph
 * @param drawn [B, T], of the same tokens under the model that drew them
 * @param reference [B, T], of the same tokens under the model that training started from
 * @param advantages [B], one for each sequence
 * @param mask [B, T], 1 for tokens that count, else 0
 */
public record LossBatch(
    Tensor logProbabilities, Tensor drawn, Tensor reference, Tensor advantages, Tensor mask) {
  /**
   * Checks the shapes.
   *
   * @throws IllegalArgumentException if they differ
   */
  public LossBatch {
    long[] shape = logProbabilities.shape();
    if (shape.length != 2) {
      throw new IllegalArgumentException(
          "logProbabilities must be [B, T], but is " + Arrays.toString(shape));
    }
    check("drawn", drawn, shape);
    check("reference", reference, shape);
    check("mask", mask, shape);
    check("advantages", advantages, new long[] {shape[0]});
  }

  private static void check(String name, Tensor tensor, long[] expected) {
    if (!Arrays.equals(tensor.shape(), expected)) {
      throw new IllegalArgumentException(
          name
              + " must be "
              + Arrays.toString(expected)
              + ", but is "
              + Arrays.toString(tensor.shape()));
    }
  }
}
