package dev.blip3o.internal;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;

/**
 * Finds chunks of a PNG without decoding it.
 *
 * <p>Source: PNG Specification (Third Edition), section 5 (datastream structure).
 */
final class PngChunks {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  private static final int TYPE_BYTES = 4;

  /** Longer chunks are skipped: no setting and no orientation is that long. */
  private static final int MAX_BYTES = 1 << 20;

  private PngChunks() {}

  /** A chunk: its type, four letters, and its data. */
  record Chunk(String type, byte[] data) {}

  /** Whether a file begins as a PNG does. */
  static boolean isPng(byte[] file) {
    return file.length >= SIGNATURE.length
        && Arrays.equals(file, 0, SIGNATURE.length, SIGNATURE, 0, SIGNATURE.length);
  }

  /**
   * The chunks of {@code types}, in the order of the file.
   *
   * @param in a PNG from its first byte; not closed
   * @throws IOException if it is no PNG, is truncated, or the sum of a chunk is wrong
   */
  static List<Chunk> read(InputStream in, String... types) throws IOException {
    if (!isPng(in.readNBytes(SIGNATURE.length))) {
      throw new IOException("it is no PNG");
    }
    Set<String> wanted = Set.of(types);
    List<Chunk> chunks = new ArrayList<>();
    CheckedInputStream checked = new CheckedInputStream(in, new CRC32());
    DataInputStream data = new DataInputStream(checked);
    String type;
    try {
      do {
        int length = data.readInt();
        checked.getChecksum().reset();
        type = new String(data.readNBytes(TYPE_BYTES), StandardCharsets.US_ASCII);
        if (wanted.contains(type) && length >= 0 && length <= MAX_BYTES) {
          chunks.add(new Chunk(type, data.readNBytes(length)));
        } else {
          data.skipNBytes(Integer.toUnsignedLong(length));
        }
        if ((int) checked.getChecksum().getValue() != data.readInt()) {
          throw new IOException("the checksum of its chunk " + type + " is wrong");
        }
      } while (!type.equals("IEND"));
    } catch (EOFException e) {
      throw new IOException("it ends before its last chunk does", e);
    }
    return chunks;
  }
}
