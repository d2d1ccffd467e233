package dev.blip3o;

/** What computes. It is decided when a model opens, and stays. */
public enum Device {
  /**
   * {@link #CUDA} where the native library has that backend and the machine a device for it, else
   * {@link #CPU}; {@link ModelInfo#deviceReason} says why.
   */
  AUTO,
  /** The processor. */
  CPU,
  /**
   * An NVIDIA GPU. Needs the native library's classifier {@code linux-x86_64-cuda} and a driver;
   * {@link UnsupportedException}, with the reason, where it can't be.
   */
  CUDA
}
