package dev.blip3o.example.langchain4j;

import dev.langchain4j.data.image.Image;
import java.awt.AlphaComposite;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Base64;
import javax.imageio.ImageIO;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A rectangle of a picture, in pixels from its left upper corner.
 *
 * @param x of its first column
 * @param y of its first row
 * @param width in pixels
 * @param height in pixels
 */
record Area(int x, int y, int width, int height) {

  /** A mask of the picture's size that is transparent here, where it may change, alone. */
  Image maskOf(Image picture) throws IOException {
    byte[] file = Base64.getDecoder().decode(picture.base64Data());
    BufferedImage original = ImageIO.read(new ByteArrayInputStream(file));
    BufferedImage mask =
        new BufferedImage(original.getWidth(), original.getHeight(), BufferedImage.TYPE_INT_ARGB);
    Graphics2D pen = mask.createGraphics();
    pen.setColor(Color.BLACK);
    pen.fillRect(0, 0, mask.getWidth(), mask.getHeight());
    pen.setComposite(AlphaComposite.Clear);
    pen.fillRect(x, y, width, height);
    pen.dispose();
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(mask, "png", png);
    return Image.builder()
        .base64Data(Base64.getEncoder().encodeToString(png.toByteArray()))
        .mimeType("image/png")
        .build();
  }

  /** Reads {@code X,Y,W,H}. */
  static final class Converter implements ITypeConverter<Area> {
    @Override
    public Area convert(String text) {
      if (!text.matches("\\d{1,5}(,\\d{1,5}){3}")) {
        throw new TypeConversionException(
            "'" + text + "' is no area: give four numbers of pixels, for example 0,0,64,128");
      }
      int[] numbers = Arrays.stream(text.split(",")).mapToInt(Integer::parseInt).toArray();
      return new Area(numbers[0], numbers[1], numbers[2], numbers[3]);
    }
  }
}
