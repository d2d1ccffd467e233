package dev.blip3o.torch.model;

import org.bytedeco.pytorch.global.torch.ScalarType;

/** In what a model computes, and how its parameters are stored. */
public enum Precision {
  /** 32-bit floats. */
  F32(ScalarType.Float, 4),
  /** 64-bit floats: to check gradients; twice the memory. */
  F64(ScalarType.Double, 8);

  private final ScalarType type;
  private final int bytes;

  Precision(ScalarType type, int bytes) {
    this.type = type;
    this.bytes = bytes;
  }

  ScalarType type() {
    return type;
  }

  int bytes() {
    return bytes;
  }
}
