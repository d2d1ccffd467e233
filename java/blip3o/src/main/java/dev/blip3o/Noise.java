package dev.blip3o;

import java.nio.FloatBuffer;

/**
 * Noise: {@code [c, h, w]} F32, where the diffusion starts. {@link Stages#noise} draws it from a
 * seed.
 */
public final class Noise extends FloatTensor {
  private static final String NAME = "noise";

  private Noise(int channels, int height, int width, FloatBuffer values) {
    super(NAME, values, channels, height, width);
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
    return new Noise(channels, height, width, copy(values));
  }

  /**
   * Noise in memory of the caller's, without a copy.
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
  public static Noise sharing(
      int channels, int height, int width, FloatBuffer values, Object owner) {
    return new Noise(channels, height, width, share(NAME, values, owner, channels, height, width));
  }

  static Noise owning(int channels, int height, int width, FloatBuffer values) {
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
