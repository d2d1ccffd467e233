package dev.blip3o.internal;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Takes the colour profile out of a JPEG: ImageIO would convert the samples by it, and fails where
 * it does not fit the picture.
 *
 * <p>Source: ITU-T T.81, annex B (markers and segments); ICC.1, annex B.4 (profiles in JPEG files).
 */
final class JpegProfile {
  private static final int PREFIX = 0xFF;
  private static final int START_OF_IMAGE = 0xD8;
  private static final int START_OF_SCAN = 0xDA;
  private static final int APPLICATION_2 = 0xE2;
  private static final byte[] IDENTIFIER = "ICC_PROFILE\0".getBytes(StandardCharsets.US_ASCII);
  private static final int MARKER_BYTES = 2;
  private static final int LENGTH_BYTES = 2;

  private JpegProfile() {}

  /** The file without its profile; itself where it is no JPEG or has none. */
  static byte[] remove(byte[] file) {
    if (file.length < MARKER_BYTES || at(file, 0) != PREFIX || at(file, 1) != START_OF_IMAGE) {
      return file;
    }
    ByteArrayOutputStream kept = new ByteArrayOutputStream(file.length);
    kept.write(file, 0, MARKER_BYTES);
    int from = MARKER_BYTES;
    while (isSegment(file, from)) {
      int body = from + MARKER_BYTES + LENGTH_BYTES;
      int to = from + MARKER_BYTES + (at(file, from + 2) << 8 | at(file, from + 3));
      if (at(file, from + 1) != APPLICATION_2 || !isProfile(file, body, to)) {
        kept.write(file, from, to - from);
      }
      from = to;
    }
    kept.write(file, from, file.length - from);
    return kept.size() == file.length ? file : kept.toByteArray();
  }

  /** Whether a whole segment before the scans begins at {@code from}. */
  private static boolean isSegment(byte[] file, int from) {
    if (from + MARKER_BYTES + LENGTH_BYTES > file.length
        || at(file, from) != PREFIX
        || at(file, from + 1) == PREFIX
        || at(file, from + 1) == START_OF_SCAN) {
      return false;
    }
    int length = at(file, from + 2) << 8 | at(file, from + 3);
    return length >= LENGTH_BYTES && from + MARKER_BYTES + length <= file.length;
  }

  private static boolean isProfile(byte[] file, int from, int to) {
    int end = from + IDENTIFIER.length;
    return end <= to && Arrays.equals(file, from, end, IDENTIFIER, 0, IDENTIFIER.length);
  }

  private static int at(byte[] file, int index) {
    return file[index] & 0xFF;
  }
}
