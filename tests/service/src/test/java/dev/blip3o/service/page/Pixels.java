package dev.blip3o.service.page;

import java.awt.image.BufferedImage;

/** Pixels of pictures, for comparison. */
final class Pixels {
  private Pixels() {}

  /** {@code 0xAARRGGBB}, row by row. */
  static int[] of(BufferedImage image) {
    return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
  }
}
