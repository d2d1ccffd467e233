package dev.blip3o.internal;

import dev.blip3o.InputImageException;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Takes the samples of an image from its raster. Not by {@link BufferedImage#getRGB}, which would
 * convert them to sRGB: grey images count as linear there, so that every value would change.
 */
public final class RasterReader {
  private static final int MAX_BITS = 16;

  private RasterReader() {}

  /**
   * The samples of an image as 8 bits.
   *
   * @param name what errors call the picture
   * @throws InputImageException if it is neither grey nor RGB of at most 16 bits
   */
  public static Samples read(String name, BufferedImage image) {
    return image.getColorModel() instanceof IndexColorModel palette
        ? lookUp(image.getRaster(), palette)
        : components(name, image.getRaster(), image.getColorModel());
  }

  private static Samples lookUp(Raster raster, IndexColorModel palette) {
    int[] colours = new int[Math.max(palette.getMapSize(), 1 << palette.getPixelSize())];
    // A damaged file may point beyond its palette: to opaque black then.
    Arrays.fill(colours, 0xFF000000);
    palette.getRGBs(colours);
    int channels = palette.hasAlpha() ? 4 : isGrey(palette, colours) ? 1 : 3;
    int width = raster.getWidth();
    int height = raster.getHeight();
    byte[] data = new byte[width * height * channels];
    int[] row = new int[width];
    int to = 0;
    for (int y = 0; y < height; y++) {
      raster.getSamples(raster.getMinX(), raster.getMinY() + y, width, 1, 0, row);
      for (int index : row) {
        int argb = colours[index];
        data[to++] = (byte) (argb >> 16);
        if (channels > 1) {
          data[to++] = (byte) (argb >> 8);
          data[to++] = (byte) argb;
        }
        if (channels == 4) {
          data[to++] = (byte) (argb >> 24);
        }
      }
    }
    return new Samples(width, height, channels, data);
  }

  /** Whether all colours are grey: files of 1, 2 and 4 bits come with such a palette. */
  private static boolean isGrey(IndexColorModel palette, int[] colours) {
    for (int i = 0; i < palette.getMapSize(); i++) {
      int blue = colours[i] & 0xFF;
      if ((colours[i] & 0xFFFFFF) != blue * 0x010101) {
        return false;
      }
    }
    return true;
  }

  private static Samples components(String name, Raster raster, ColorModel model) {
    check(name, raster, model);
    int colours = model.getNumColorComponents();
    int bands = raster.getNumBands();
    boolean alpha = model.hasAlpha();
    int channels = alpha ? 4 : colours;
    long[] max = new long[bands];
    for (int band = 0; band < bands; band++) {
      max[band] = (1L << model.getComponentSize(band)) - 1;
    }
    int width = raster.getWidth();
    int height = raster.getHeight();
    byte[] data = new byte[width * height * channels];
    int[] row = new int[width * bands];
    int to = 0;
    for (int y = 0; y < height; y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
      for (int from = 0; from < row.length; from += bands) {
        long opacity = alpha ? row[from + colours] : 0;
        for (int i = 0; i < 3 && i < channels; i++) {
          int band = Math.min(i, colours - 1);
          long value = row[from + band];
          data[to++] =
              model.isAlphaPremultiplied() && alpha
                  ? divided(value, opacity)
                  : scaled(value, max[band]);
        }
        if (alpha) {
          data[to++] = scaled(opacity, max[colours]);
        }
      }
    }
    return new Samples(width, height, channels, data);
  }

  private static void check(String name, Raster raster, ColorModel model) {
    int type = model.getColorSpace().getType();
    if (type != ColorSpace.TYPE_GRAY && type != ColorSpace.TYPE_RGB) {
      throw new InputImageException(
          name
              + " must be grey or RGB, but its colours are "
              + IntStream.range(0, model.getNumColorComponents())
                  .mapToObj(model.getColorSpace()::getName)
                  .collect(Collectors.joining(", "))
              + "; save it as RGB");
    }
    int transfer = model.getTransferType();
    boolean integers =
        transfer == DataBuffer.TYPE_BYTE
            || transfer == DataBuffer.TYPE_USHORT
            || transfer == DataBuffer.TYPE_INT;
    for (int band = 0; band < raster.getNumBands(); band++) {
      integers &= model.getComponentSize(band) <= MAX_BITS;
    }
    if (!integers || raster.getNumBands() != model.getNumComponents()) {
      throw new InputImageException(
          name
              + " must have unsigned samples of at most 16 bits, but has others; save it as 8-bit");
    }
  }

  /** From {@code [0, max]} to {@code [0, 255]}, rounded: for 16 bits, value / 257. */
  private static byte scaled(long value, long max) {
    return (byte) ((value * 255 + max / 2) / max);
  }

  /** A premultiplied sample without its alpha. What can't be seen is black. */
  private static byte divided(long value, long alpha) {
    return alpha == 0 ? 0 : (byte) Math.min(255, (value * 255 + alpha / 2) / alpha);
  }
}
