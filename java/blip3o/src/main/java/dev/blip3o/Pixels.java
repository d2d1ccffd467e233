package dev.blip3o;

import dev.blip3o.internal.PngEncoder;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;

/** Pixels: {@code [height, width, 3]} U8, red, green, blue, rows from the top. Immutable. */
public final class Pixels {
  private final int width;
  private final int height;
  private final byte[] rgb;

  private Pixels(int width, int height, byte[] rgb) {
    Checks.shape("pixels", rgb.length, height, width, 3);
    this.width = width;
    this.height = height;
    this.rgb = rgb;
  }

  /**
   * Pixels from elsewhere.
   *
   * @param width pixels
   * @param height pixels
   * @param rgb {@code height * width * 3} bytes; copied
   * @throws InvalidRequestException if a size is wrong
   */
  public static Pixels of(int width, int height, byte[] rgb) {
    Objects.requireNonNull(rgb, "rgb");
    return new Pixels(width, height, rgb.clone());
  }

  static Pixels owning(int width, int height, byte[] rgb) {
    return new Pixels(width, height, rgb);
  }

  /** Width in pixels. */
  public int width() {
    return width;
  }

  /** Height in pixels. */
  public int height() {
    return height;
  }

  /** The bytes, row by row, red, green, blue. A read-only view, without a copy. */
  public ByteBuffer rgb() {
    return ByteBuffer.wrap(rgb).asReadOnlyBuffer();
  }

  /** The colour of a pixel as {@code 0xRRGGBB}. */
  public int rgb(int x, int y) {
    Objects.checkIndex(x, width);
    Objects.checkIndex(y, height);
    int i = (y * width + x) * 3;
    return (rgb[i] & 0xFF) << 16 | (rgb[i + 1] & 0xFF) << 8 | (rgb[i + 2] & 0xFF);
  }

  /** A copy as an image of type {@link BufferedImage#TYPE_INT_RGB}. */
  public BufferedImage toBufferedImage() {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    int[] row = new int[width];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        row[x] = rgb(x, y);
      }
      image.setRGB(0, y, width, 1, row, 0, width);
    }
    return image;
  }

  /**
   * Writes a PNG without text chunks. The file appears whole or not at all.
   *
   * @throws OutputException if it can't be written
   */
  public void writePng(Path path) {
    writePng(path, Map.of());
  }

  /**
   * Writes a PNG with text chunks. The file appears whole or not at all.
   *
   * @param path where to; an existing file is replaced
   * @param text keyword (1 to 79 Latin-1 characters) to text, in this order
   * @throws OutputException if it can't be written
   */
  public void writePng(Path path, Map<String, String> text) {
    OutputFile.at(path).write(out -> PngEncoder.write(out, width, height, rgb, text));
  }

  /**
   * A PNG with text chunks, in memory: the bytes that {@link #writePng(Path, Map)} writes.
   *
   * @param text keyword (1 to 79 Latin-1 characters) to text, in this order
   */
  public byte[] png(Map<String, String> text) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      PngEncoder.write(out, width, height, rgb, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // Memory does not fail as a file does.
    }
    return out.toByteArray();
  }

  byte[] array() {
    return rgb;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Pixels that
        && width == that.width
        && height == that.height
        && Arrays.equals(rgb, that.rgb);
  }

  @Override
  public int hashCode() {
    return Objects.hash(width, height, Arrays.hashCode(rgb));
  }

  @Override
  public String toString() {
    return "Pixels[" + width + "x" + height + "]";
  }
}
