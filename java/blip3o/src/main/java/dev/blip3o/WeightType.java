package dev.blip3o;

/** How the values of a weight are stored, little-endian. */
public enum WeightType {
  /** IEEE 754 single precision. */
  F32(4),
  /** The upper half of an {@link #F32}. */
  BF16(2),
  /** IEEE 754 half precision. */
  F16(2);

  private final int bytes;

  WeightType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of a value. */
  public int bytes() {
    return bytes;
  }
}
