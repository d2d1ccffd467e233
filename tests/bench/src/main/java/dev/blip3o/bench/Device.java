package dev.blip3o.bench;

/**
 * The two limits of a device that a paper model knows.
 *
 * @param name as its maker calls it
 * @param bytesPerSecond of its memory
 * @param flopsPerSecond dense, of products of BF16 summed in f32
 */
record Device(String name, double bytesPerSecond, double flopsPerSecond) {
  /** From NVIDIA's data sheet: SXM, 80 GB of HBM3. */
  static final Device H100 = new Device("H100", 3.35e12, 989e12);

  /** From NVIDIA's data sheet: SXM, 141 GB of HBM3e. */
  static final Device H200 = new Device("H200", 4.8e12, 989e12);

  /** Flops that it can do while it reads one byte. */
  double flopsPerByte() {
    return flopsPerSecond / bytesPerSecond;
  }

  /** The least time of work that moves so many bytes and does so many flops, both at once. */
  double seconds(double bytes, double flops) {
    return Math.max(bytes / bytesPerSecond, flops / flopsPerSecond);
  }
}
