package dev.blip3o.langchain4j;

import dev.langchain4j.data.image.Image;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import javax.imageio.ImageIO;

/** Pictures as LangChain4j's callers have them. */
final class Pictures {
  private Pictures() {}

  static byte[] file(Image image) {
    return Base64.getDecoder().decode(image.base64Data());
  }

  static BufferedImage read(Image image) {
    try {
      return ImageIO.read(new ByteArrayInputStream(file(image)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A PNG. */
  static Image of(BufferedImage picture) {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    try {
      ImageIO.write(picture, "png", file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return of(file.toByteArray());
  }

  static Image of(byte[] file) {
    return Image.builder().base64Data(Base64.getEncoder().encodeToString(file)).build();
  }

  /** A mask whose right part is opaque, from the given column on: there the picture stays. */
  static Image maskOpaqueFrom(int column, int side) {
    BufferedImage mask = new BufferedImage(side, side, BufferedImage.TYPE_INT_ARGB);
    for (int y = 0; y < side; y++) {
      for (int x = column; x < side; x++) {
        mask.setRGB(x, y, 0xFF000000);
      }
    }
    return of(mask);
  }
}
