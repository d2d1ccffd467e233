package dev.blip3o.torch.model;

/** How the numbers of a weight are stored. */
public enum WeightType {
  /** 32-bit floats. */
  F32,
  /** The upper half of 32-bit floats. */
  BF16,
  /** 16-bit floats. */
  F16
}
