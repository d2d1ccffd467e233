package dev.blip3o.service;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.ImageIO;

/** Pictures that clients send. */
final class Drawings {
  /** Pixels of a side, as the demo's own pictures have. */
  static final int SIDE = 128;

  private Drawings() {}

  /** A red circle on white, as PNG. */
  static byte[] redCircle() {
    BufferedImage image = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = image.createGraphics();
    pen.setColor(Color.WHITE);
    pen.fillRect(0, 0, SIDE, SIDE);
    pen.setColor(Color.RED);
    pen.fillOval(SIDE / 4, SIDE / 4, SIDE / 2, SIDE / 2);
    pen.dispose();
    return png(image);
  }

  /** A mask whose left half is transparent: there the picture may change. */
  static byte[] leftHalfMayChange() {
    BufferedImage image = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_ARGB);
    Graphics2D pen = image.createGraphics();
    pen.setColor(Color.BLACK);
    pen.fillRect(SIDE / 2, 0, SIDE / 2, SIDE);
    pen.dispose();
    return png(image);
  }

  static byte[] png(BufferedImage image) {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file.toByteArray();
  }

  static BufferedImage read(byte[] file) {
    try {
      BufferedImage image = ImageIO.read(new ByteArrayInputStream(file));
      if (image == null) {
        throw new IllegalArgumentException("no picture: " + file.length + " bytes");
      }
      return image;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
