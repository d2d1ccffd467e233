package dev.blip3o.training.checkpoint;

/** Element types that training writes, named as in safetensors files. */
public enum StoredType {
  /** 32-bit floats. */
  F32(4),
  /** The upper halves of 32-bit floats. */
  BF16(2),
  /** 16-bit floats of IEEE 754. */
  F16(2);

  private final int bytes;

  StoredType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }
}
