package dev.blip3o;

import java.nio.FloatBuffer;

/** Latents: {@code [c, h, w]} F32, what the diffusion transformer yields and the decoder takes. */
public final class Latents extends FloatTensor {
  private static final String NAME = "latents";

  private Latents(int channels, int height, int width, FloatBuffer values) {
    super(NAME, values, channels, height, width);
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
    return new Latents(channels, height, width, copy(values));
  }

  /**
   * Latents in memory of the caller's, without a copy.
   *
   * @param channels c
   * @param height h
   * @param width w
   * @param values {@code channels * height * width} finite values, plane by plane, from its
   *     position to its limit: a direct buffer in native order, aligned to 4 bytes. Nobody may
   *     change or free the memory while the value, or a buffer of {@link #values}, is in use
   * @param owner is kept reachable as long: what frees the memory when it is collected, where that
   *     is not the buffer itself, which is kept too
   * @throws InvalidRequestException if a size or a value is wrong, or the buffer can't be shared
   * @throws NativeLibraryException if the native library is missing
   */
  public static Latents sharing(
      int channels, int height, int width, FloatBuffer values, Object owner) {
    return new Latents(
        channels, height, width, share(NAME, values, owner, channels, height, width));
  }

  static Latents owning(int channels, int height, int width, FloatBuffer values) {
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
