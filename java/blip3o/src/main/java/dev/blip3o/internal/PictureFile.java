package dev.blip3o.internal;

import dev.blip3o.Blip3oException;
import dev.blip3o.InputImageException;
import dev.blip3o.InsufficientMemoryException;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import javax.imageio.IIOException;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Reads picture files with ImageIO: the size is checked before anything is decoded, whatever goes
 * wrong is one sentence, and half a picture is an error too.
 */
public final class PictureFile {
  private static final int MAX_FILE_BYTES = 1 << 29;

  /** What tells the formats apart stands within the first bytes. */
  private static final int SIGNATURE_BYTES = 1 << 12;

  /** What the JPEG decoder warns of though every pixel is as it should be. */
  private static final List<String> HARMLESS =
      List.of("extraneous bytes", "color transform", "thumbnail");

  /** Has no signature: most files that begin with zeros pass for it. */
  private static final String WBMP = "wbmp";

  private static final String TIFF = "tif";

  private PictureFile() {}

  /** Checks the size in a picture's header. */
  @FunctionalInterface
  public interface SizeCheck {
    /** Throws if no picture of that size is wanted. */
    void check(int width, int height);
  }

  /**
   * Reads a file.
   *
   * @throws InputImageException if it can't be read or is no whole picture
   */
  public static Samples read(Path file, SizeCheck check) {
    return decode(file.toString(), bytes(file), check);
  }

  private static byte[] bytes(Path file) {
    String name = file.toString();
    if (Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file)) {
      throw new InputImageException(
          name + " is a device or a pipe, but a picture file is needed; save the picture first");
    }
    byte[] bytes;
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file), SIGNATURE_BYTES)) {
      in.mark(SIGNATURE_BYTES);
      checkSignature(name, in.readNBytes(SIGNATURE_BYTES));
      in.reset();
      bytes = in.readNBytes(MAX_FILE_BYTES + 1);
    } catch (IOException e) {
      throw new InputImageException(
          FileErrors.sentence(file, e, "a picture file")
              .orElseGet(() -> file + " can't be read: " + e.getMessage()),
          e);
    } catch (OutOfMemoryError e) {
      throw tooLittleMemory(name, e);
    }
    if (bytes.length > MAX_FILE_BYTES) {
      throw new InputImageException(
          name + " is too large for a picture: at most " + MAX_FILE_BYTES + " bytes are read");
    }
    return bytes;
  }

  /** Refuses what does not begin as a picture does, before all of it is read. */
  private static void checkSignature(String name, byte[] start) throws IOException {
    checkNotEmpty(name, start);
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(start))) {
      reader(name, in).dispose();
    }
  }

  private static void checkNotEmpty(String name, byte[] file) {
    if (file.length == 0) {
      throw new InputImageException(name + " is empty, but a picture is needed");
    }
  }

  /**
   * Decodes the bytes of a file and applies its EXIF orientation.
   *
   * @param name what errors call the picture
   * @throws InputImageException if they are no whole picture
   */
  public static Samples decode(String name, byte[] file, SizeCheck check) {
    checkNotEmpty(name, file);
    byte[] plain = JpegProfile.remove(file);
    // Not ImageIO.createImageInputStream: its cache is a file, or a setting of the whole JVM.
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(plain))) {
      ImageReader reader = reader(name, in);
      try {
        reader.setInput(in, true, true);
        check.check(reader.getWidth(0), reader.getHeight(0));
        if (PngChunks.isPng(file)) {
          PngChunks.read(
              new ByteArrayInputStream(file)); // ImageIO checks no sums, and wants no end
        }
        reader.addIIOReadWarningListener((source, warning) -> refuse(name, warning));
        return RasterReader.read(name, image(reader)).oriented(Orientation.of(file));
      } finally {
        reader.dispose();
      }
    } catch (InputImageException e) {
      throw e;
    } catch (IOException | RuntimeException e) { // Decoders throw what they like at damaged files.
      throw failure(name, e);
    } catch (OutOfMemoryError e) {
      throw tooLittleMemory(name, e);
    }
  }

  private static ImageReader reader(String name, ImageInputStream in) throws IOException {
    Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
    while (readers.hasNext()) {
      ImageReader reader = readers.next();
      if (!reader.getFormatName().equalsIgnoreCase(WBMP)) {
        return reader;
      }
      reader.dispose();
    }
    throw new InputImageException(
        name + " is no picture that can be read: it is not PNG, JPEG, GIF, BMP or TIFF");
  }

  private static BufferedImage image(ImageReader reader) throws IOException {
    BufferedImage image = reader.read(0);
    return image.getColorModel() instanceof IndexColorModel && isTiff(reader)
        ? TiffPalette.exact(image, reader.getImageMetadata(0))
        : image;
  }

  private static boolean isTiff(ImageReader reader) throws IOException {
    return reader.getFormatName().equalsIgnoreCase(TIFF);
  }

  /** A decoder that warns fills what lacks with grey. */
  private static void refuse(String name, String warning) {
    String lower = warning.toLowerCase(Locale.ROOT);
    if (HARMLESS.stream().noneMatch(lower::contains)) {
      throw new InputImageException(
          name + " is truncated or damaged (" + warning + "); get the file again");
    }
  }

  private static Blip3oException failure(String name, Exception e) {
    if (e instanceof IIOException && "Unsupported Image Type".equals(e.getMessage())) {
      return new InputImageException(
          name + " has a kind of colours that can't be read, for example CMYK; save it as RGB", e);
    }
    String detail = e.getClass().getSimpleName();
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof OutOfMemoryError memory) { // The PNG decoder wraps it.
        return tooLittleMemory(name, memory);
      }
      detail = cause.getMessage() == null ? detail : cause.getMessage(); // the innermost says most
    }
    return new InputImageException(
        name + " is truncated or damaged (" + detail + "); get the file again", e);
  }

  private static InsufficientMemoryException tooLittleMemory(String name, OutOfMemoryError e) {
    return new InsufficientMemoryException(
        String.format(
            Locale.ROOT,
            "%s is too large for the Java heap of %d bytes; give the JVM more (-Xmx), or make the"
                + " picture smaller",
            name,
            Runtime.getRuntime().maxMemory()),
        e);
  }
}
