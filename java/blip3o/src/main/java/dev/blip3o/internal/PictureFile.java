package dev.blip3o.internal;

import dev.blip3o.Blip3oException;
import dev.blip3o.InputImageException;
import dev.blip3o.InsufficientMemoryException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
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

  /** What the JPEG decoder warns of though every pixel is as it should be. */
  private static final List<String> HARMLESS =
      List.of("extraneous bytes", "color transform", "thumbnail");

  /** Has no signature: most files that begin with zeros pass for it. */
  private static final String WBMP = "wbmp";

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
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(MAX_FILE_BYTES + 1);
    } catch (IOException e) {
      throw new InputImageException(reason(file, e), e);
    } catch (OutOfMemoryError e) {
      throw tooLittleMemory(file.toString(), e);
    }
    if (bytes.length > MAX_FILE_BYTES) {
      throw new InputImageException(
          file + " is too large for a picture: at most " + MAX_FILE_BYTES + " bytes are read");
    }
    return decode(file.toString(), bytes, check);
  }

  private static String reason(Path file, IOException e) {
    if (e instanceof NoSuchFileException) {
      return file + ": there is no such file";
    }
    if (Files.isDirectory(file)) {
      return file + " is a directory, but a picture file is needed";
    }
    if (e instanceof AccessDeniedException) {
      return file + ": no permission to read it";
    }
    return file + " can't be read: " + e.getMessage();
  }

  /**
   * Decodes the bytes of a file and applies its EXIF orientation.
   *
   * @param name what errors call the picture
   * @throws InputImageException if they are no whole picture
   */
  public static Samples decode(String name, byte[] file, SizeCheck check) {
    if (file.length == 0) {
      throw new InputImageException(name + " is empty, but a picture is needed");
    }
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
        return RasterReader.read(name, reader.read(0)).oriented(Orientation.of(file));
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
