package dev.blip3o.server.pictures;

import java.awt.image.BufferedImage;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which formats this process can write. WebP is written by a native library, which is unpacked into
 * a folder when the first picture is encoded: where there is no such folder, or nothing may be run
 * from it, there is no WebP, which is better known at the start than by a client.
 */
public final class WorkingFormats {
  private static final Logger LOG = LoggerFactory.getLogger("dev.blip3o.server");

  private WorkingFormats() {}

  /** Tries all formats; the log warns of those that don't work. */
  public static Set<PictureFormat> find() {
    Set<PictureFormat> working = EnumSet.noneOf(PictureFormat.class);
    for (PictureFormat format : PictureFormat.values()) {
      if (works(format)) {
        working.add(format);
      }
    }
    return Collections.unmodifiableSet(working);
  }

  // A native library that is not found, or not loaded a second time, is a LinkageError.
  private static boolean works(PictureFormat format) {
    try {
      new PictureEncoder(format, 100).encode(new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB));
      return true;
    } catch (RuntimeException | LinkageError e) {
      LOG.warn(
          "no picture can be sent as {}: its library could not be unpacked or loaded ({}); it needs"
              + " a folder that is writable and not mounted noexec, java.io.tmpdir or"
              + " com.luciad.imageio.webp.tmpdir",
          format.wireName(),
          e.getClass().getSimpleName());
      return false;
    }
  }
}
