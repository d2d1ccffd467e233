package dev.blip3o;

/**
 * Noise: {@code [c, h, w]} F32, where the diffusion starts. {@link Stages#noise} draws it from a
 * seed.
 */
public final class Noise extends FloatTensor {
  private Noise(int channels, int height, int width, float[] values) {
    super("noise", values, channels, height, width);
  }

  /**
   * Noise from elsewhere.
   *
   * @param channels c
   * @param height h
   * @param width w
   * @param values {@code channels * height * width} finite values, plane by plane; copied
   * @throws InvalidRequestException if a size or a value is wrong
   */
  public static Noise of(int channels, int height, int width, float[] values) {
    return new Noise(channels, height, width, values.clone());
  }

  static Noise owning(int channels, int height, int width, float[] values) {
    return new Noise(channels, height, width, values);
  }

  /** c. */
  public int channels() {
    return size(0);
  }

  /** h. */
  public int height() {
    return size(1);
  }

  /** w. */
  public int width() {
    return size(2);
  }
}
