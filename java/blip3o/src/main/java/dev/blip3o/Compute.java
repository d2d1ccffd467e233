package dev.blip3o;

/** The type in which products are computed; sums are always F32. */
public enum Compute {
  /** BF16 where the weights are 16-bit and the processor multiplies BF16 natively, else F32. */
  AUTO,
  /** Exact to the checkpoint: 16-bit weights are widened. Parity and traces use it. */
  F32,
  /** Activations are rounded to BF16 before products. */
  BF16
}
