package dev.blip3o;

/** Weights in 8 bits: smaller and faster, and no longer exact. */
public enum Quantization {
  /**
   * The products of the language model: symmetric INT8 with a scale for each row and 128 inputs.
   */
  INT8_LANGUAGE,
  /**
   * The large products of the diffusion transformer: E4M3 with a scale for each row of a weight and
   * each token. On CUDA devices only, and BF16 where a device has no such product.
   */
  E4M3_DIFFUSION
}
