package dev.blip3o.internal;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import javax.imageio.metadata.IIOInvalidTreeException;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.plugins.tiff.BaselineTIFFTagSet;
import javax.imageio.plugins.tiff.TIFFDirectory;
import javax.imageio.plugins.tiff.TIFFField;

/**
 * The palette of a TIFF, which has 16 bits. ImageIO scales it down by v * 255 / 65535, cut off, so
 * that colours of 8 bits which were stored times 256 come out one too dark. Their high byte is
 * right for those, and for colours stored times 257.
 *
 * <p>Source: TIFF 6.0, section 5 (palette-color images), tag 320.
 */
final class TiffPalette {
  private static final int PRIMARIES = 3;

  private TiffPalette() {}

  /** The image with the file's palette; as it is where the file has none that fits. */
  static BufferedImage exact(BufferedImage image, IIOMetadata metadata) {
    TIFFField field = field(metadata);
    int bits = ((IndexColorModel) image.getColorModel()).getPixelSize();
    int size = 1 << bits;
    if (field == null || field.getCount() < PRIMARIES * size) {
      return image;
    }
    byte[][] colours = new byte[PRIMARIES][size];
    for (int i = 0; i < PRIMARIES * size; i++) {
      colours[i / size][i % size] = (byte) (field.getAsInt(i) >> 8);
    }
    IndexColorModel palette = new IndexColorModel(bits, size, colours[0], colours[1], colours[2]);
    return new BufferedImage(palette, image.getRaster(), false, null);
  }

  private static TIFFField field(IIOMetadata metadata) {
    try {
      return TIFFDirectory.createFromMetadata(metadata)
          .getTIFFField(BaselineTIFFTagSet.TAG_COLOR_MAP);
    } catch (IIOInvalidTreeException e) {
      return null;
    }
  }
}
