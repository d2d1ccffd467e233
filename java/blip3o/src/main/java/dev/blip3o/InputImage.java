package dev.blip3o;

import dev.blip3o.internal.PictureFile;
import dev.blip3o.internal.RasterReader;
import dev.blip3o.internal.Samples;
import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;

/**
 * A picture from the caller: {@code [height, width, channels]} U8, rows from the top; 1 channel is
 * grey, 3 are red, green, blue, 4 have alpha too, not premultiplied. Immutable; holds no file open
 * and no native memory.
 *
 * <p>Files may be what ImageIO reads: PNG, JPEG, GIF (its first frame, without the canvas around
 * it), BMP and TIFF (its first picture). The samples are kept as they are in the file: 16-bit ones
 * are rounded to 8 bit (v / 257), palettes are looked up (of a TIFF's 16-bit palette the high byte
 * counts), and nothing is converted by colour profiles. The EXIF orientation of JPEG, PNG and TIFF
 * is applied. Alpha is kept here; the model composites it over white. The one transparent colour
 * that a PNG can name instead of alpha counts for 8 and 16 bits per sample; grey PNGs of fewer bits
 * stay opaque.
 *
 * <p>Limits: a file above the limit of pixels, {@link #MAX_PIXELS} where none is given, is refused
 * before anything of it is decoded; the longer side may be at most {@value #MAX_ASPECT} times the
 * shorter one.
 *
 * <p>Errors: {@link InputImageException}; {@link InsufficientMemoryException} where the Java heap
 * is too small to decode a file.
 */
public final class InputImage {
  /** The default limit on width times height. */
  public static final long MAX_PIXELS = 1L << 26;

  /** The most times that the longer side may be the shorter one. */
  public static final int MAX_ASPECT = 100;

  /** The largest limit on width times height that can be asked for. */
  public static final long LARGEST_MAX_PIXELS = 1L << 28;

  private static final String UNNAMED = "the picture";

  private final Samples samples;

  private InputImage(Samples samples) {
    this.samples = samples;
  }

  /** {@link #read(Path, long)} with {@link #MAX_PIXELS}. */
  public static InputImage read(Path file) {
    return read(file, MAX_PIXELS);
  }

  /**
   * Reads a picture file: a regular one, no device or pipe. A file that does not begin as a picture
   * does is refused before the rest of it is read.
   *
   * @param maxPixels the largest width times height, {@code [1, 2^28]}
   * @throws InputImageException if the file can't be read or is no picture that can be used
   * @throws InvalidRequestException if {@code maxPixels} is out of its range
   */
  public static InputImage read(Path file, long maxPixels) {
    Objects.requireNonNull(file, "file");
    checkLimit(maxPixels);
    String name = file.toString();
    return new InputImage(
        PictureFile.read(file, (width, height) -> checkSize(name, width, height, maxPixels)));
  }

  /** {@link #decode(byte[], long)} with {@link #MAX_PIXELS}. */
  public static InputImage decode(byte[] file) {
    return decode(file, MAX_PIXELS);
  }

  /**
   * Decodes the bytes of a picture file.
   *
   * @param maxPixels the largest width times height, {@code [1, 2^28]}
   * @throws InputImageException if they are no picture that can be used
   * @throws InvalidRequestException if {@code maxPixels} is out of its range
   */
  public static InputImage decode(byte[] file, long maxPixels) {
    Objects.requireNonNull(file, "file");
    checkLimit(maxPixels);
    return new InputImage(
        PictureFile.decode(
            UNNAMED, file, (width, height) -> checkSize(UNNAMED, width, height, maxPixels)));
  }

  /**
   * A copy of an image of any type with grey or RGB colours. Its samples are taken as they are:
   * unlike {@link BufferedImage#getRGB}, without conversion to sRGB.
   *
   * @throws InputImageException if its size or its kind of colours can't be used
   */
  public static InputImage of(BufferedImage image) {
    Objects.requireNonNull(image, "image");
    checkSize(UNNAMED, image.getWidth(), image.getHeight(), LARGEST_MAX_PIXELS);
    return new InputImage(RasterReader.read(UNNAMED, image));
  }

  /**
   * A picture of this library, for example one to edit.
   *
   * @throws InputImageException if its size can't be used
   */
  public static InputImage of(Pixels pixels) {
    Objects.requireNonNull(pixels, "pixels");
    return raw(pixels.width(), pixels.height(), 3, pixels.array());
  }

  /**
   * Raw RGB.
   *
   * @param rgb {@code [height, width, 3]}; copied
   * @throws InputImageException if a size is wrong
   */
  public static InputImage ofRgb(int width, int height, byte[] rgb) {
    return raw(width, height, 3, Objects.requireNonNull(rgb, "rgb").clone());
  }

  /**
   * Raw RGB with alpha, not premultiplied.
   *
   * @param rgba {@code [height, width, 4]}; copied
   * @throws InputImageException if a size is wrong
   */
  public static InputImage ofRgba(int width, int height, byte[] rgba) {
    return raw(width, height, 4, Objects.requireNonNull(rgba, "rgba").clone());
  }

  /**
   * Raw grey.
   *
   * @param gray {@code [height, width]}; copied
   * @throws InputImageException if a size is wrong
   */
  public static InputImage ofGray(int width, int height, byte[] gray) {
    return raw(width, height, 1, Objects.requireNonNull(gray, "gray").clone());
  }

  private static InputImage raw(int width, int height, int channels, byte[] data) {
    checkSize(UNNAMED, width, height, LARGEST_MAX_PIXELS);
    long bytes = (long) width * height * channels;
    if (bytes != data.length) {
      throw new InputImageException(
          String.format(
              Locale.ROOT,
              "%s of %dx%d with %d channels needs %d bytes, but has %d",
              UNNAMED,
              width,
              height,
              channels,
              bytes,
              data.length));
    }
    return new InputImage(new Samples(width, height, channels, data));
  }

  private static void checkLimit(long maxPixels) {
    Checks.range("maxPixels", maxPixels, 1, LARGEST_MAX_PIXELS);
  }

  private static void checkSize(String name, int width, int height, long maxPixels) {
    if (width <= 0 || height <= 0) {
      throw new InputImageException(
          String.format(
              Locale.ROOT,
              "%s has no pixels: its size is %dx%d, but both sides must be 1 or more",
              name,
              width,
              height));
    }
    if ((long) width * height > maxPixels) {
      throw new InputImageException(
          String.format(
              Locale.ROOT,
              "%s has too many pixels: %dx%d are %d, but at most %d are read; make it smaller, or"
                  + " raise the limit",
              name,
              width,
              height,
              (long) width * height,
              maxPixels));
    }
    if (Math.max(width, height) > (long) MAX_ASPECT * Math.min(width, height)) {
      throw new InputImageException(
          String.format(
              Locale.ROOT,
              "%s is too long for its width: one side of %dx%d may be at most %d times the other;"
                  + " crop it",
              name,
              width,
              height,
              MAX_ASPECT));
    }
  }

  /** Width in pixels, as the picture is seen: after its EXIF orientation. */
  public int width() {
    return samples.width();
  }

  /** Height in pixels, as the picture is seen: after its EXIF orientation. */
  public int height() {
    return samples.height();
  }

  /** 1: grey, 3: RGB, 4: RGB and alpha. */
  public int channels() {
    return samples.channels();
  }

  /** The bytes, {@code [height, width, channels]}. A read-only view, without a copy. */
  public ByteBuffer bytes() {
    return ByteBuffer.wrap(samples.data()).asReadOnlyBuffer();
  }

  /** The bytes themselves, for code of this package that only reads. */
  byte[] array() {
    return samples.data();
  }

  /** The shape of {@link #array}: {@code [height, width]} where there is one channel. */
  int[] shape() {
    return channels() == 1
        ? new int[] {height(), width()}
        : new int[] {height(), width(), channels()};
  }

  /** The first digits of the SHA-256 of {@link #bytes}, by which files tell pictures apart. */
  String fingerprint() {
    return samples.fingerprint();
  }

  /** The luma, {@code [height, width]}, over white where there is alpha: this picture as a mask. */
  byte[] luma() {
    return samples.luma();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof InputImage that
        && width() == that.width()
        && height() == that.height()
        && channels() == that.channels()
        && Arrays.equals(array(), that.array());
  }

  @Override
  public int hashCode() {
    return Objects.hash(width(), height(), channels(), Arrays.hashCode(array()));
  }

  @Override
  public String toString() {
    return "InputImage[" + width() + "x" + height() + "x" + channels() + "]";
  }
}
