package dev.blip3o;

/** Latents: {@code [c, h, w]} F32, what the diffusion transformer yields and the decoder takes. */
public final class Latents extends FloatTensor {
  private Latents(int channels, int height, int width, float[] values) {
    super("latents", values, channels, height, width);
  }

  /**
   * Latents from elsewhere.
   *
   * @param channels c
   * @param height h
   * @param width w
   * @param values {@code channels * height * width} finite values, plane by plane; copied
   * @throws InvalidRequestException if a size or a value is wrong
   */
  public static Latents of(int channels, int height, int width, float[] values) {
    return new Latents(channels, height, width, values.clone());
  }

  static Latents owning(int channels, int height, int width, float[] values) {
    return new Latents(channels, height, width, values);
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
