package dev.blip3o.server.pictures;

import com.luciad.imageio.webp.WebPImageWriterSpi;
import dev.blip3o.GeneratedImage;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * Encodes pictures in memory. Equal pictures give equal bytes.
 *
 * <p>Threads: safe for use by any thread. A picture of 1024x1024 takes some ten milliseconds: not
 * on an event loop.
 *
 * @param format of the file
 * @param quality of lossy formats, {@code [0, 100]}: 100 is the largest file and the least loss
 */
public record PictureEncoder(PictureFormat format, int quality) {
  private static final float FULL = 100f;

  /** A finished picture; a PNG is the very file that {@link GeneratedImage#writePng} writes. */
  public byte[] encode(GeneratedImage image) {
    return format == PictureFormat.PNG ? image.png() : encode(image.toBufferedImage());
  }

  /**
   * A preview, enlarged to the size of the picture that it becomes.
   *
   * @param png the preview, a PNG of any size
   * @param width of the result in pixels
   * @param height of the result in pixels
   */
  public byte[] encodePreview(byte[] png, int width, int height) {
    try {
      return encode(enlarge(decode(png), width, height));
    } catch (IOException e) {
      throw new UncheckedIOException("the model's preview is no PNG", e);
    }
  }

  private static BufferedImage decode(byte[] png) throws IOException {
    // Not a stream of ImageIO's own: it would keep the preview in a file. ImageIO closes it.
    return ImageIO.read(new MemoryCacheImageInputStream(new ByteArrayInputStream(png)));
  }

  private static BufferedImage enlarge(BufferedImage preview, int width, int height) {
    BufferedImage large = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = large.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
    graphics.drawImage(preview, 0, 0, width, height, null);
    graphics.dispose();
    return large;
  }

  byte[] encode(BufferedImage image) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    // Not a stream of ImageIO's own: see above.
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      ImageWriter writer = writer();
      try {
        writer.setOutput(out);
        writer.write(null, new IIOImage(image, null, null), parameters(writer));
      } finally {
        writer.dispose();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the picture can't be encoded as " + format.wireName(), e);
    }
    return bytes.toByteArray();
  }

  /** WebP's by its own name: which plugins ImageIO knows depends on whose class path it is. */
  private ImageWriter writer() throws IOException {
    return format == PictureFormat.WEBP
        ? new WebPImageWriterSpi().createWriterInstance(null)
        : ImageIO.getImageWritersByFormatName(format.wireName()).next();
  }

  private ImageWriteParam parameters(ImageWriter writer) {
    ImageWriteParam parameters = writer.getDefaultWriteParam();
    if (format.lossy()) {
      parameters.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      parameters.setCompressionType(format == PictureFormat.WEBP ? "Lossy" : "JPEG");
      parameters.setCompressionQuality(quality / FULL);
    }
    return parameters;
  }
}
