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

/**
 * Finds chunks of a PNG without decoding it.
 *
 * <p>Source: PNG Specification (Third Edition), section 5 (datastream structure).
 */
final class PngChunks {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  private static final int TYPE_BYTES = 4;
  private static final int SUM_BYTES = 4;

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
   * @throws IOException if it is no PNG, is truncated, or the sum of such a chunk is wrong
   */
  static List<Chunk> read(InputStream in, String... types) throws IOException {
    if (!isPng(in.readNBytes(SIGNATURE.length))) {
      throw new IOException("not a PNG");
    }
    Set<String> wanted = Set.of(types);
    List<Chunk> chunks = new ArrayList<>();
    DataInputStream data = new DataInputStream(in);
    String type;
    do {
      int length = data.readInt();
      if (length < 0) {
        throw new IOException("a chunk has the length " + Integer.toUnsignedString(length));
      }
      byte[] name = data.readNBytes(TYPE_BYTES);
      type = new String(name, StandardCharsets.US_ASCII);
      if (wanted.contains(type) && length <= MAX_BYTES) {
        chunks.add(chunk(data, name, length));
      } else {
        data.skipNBytes((long) length + SUM_BYTES);
      }
    } while (!type.equals("IEND"));
    return chunks;
  }

  private static Chunk chunk(DataInputStream in, byte[] name, int length) throws IOException {
    byte[] data = in.readNBytes(length);
    if (data.length < length) {
      throw new EOFException("it ends within a chunk");
    }
    CRC32 sum = new CRC32();
    sum.update(name);
    sum.update(data);
    String type = new String(name, StandardCharsets.US_ASCII);
    if (in.readInt() != (int) sum.getValue()) {
      throw new IOException("the checksum of a chunk " + type + " is wrong");
    }
    return new Chunk(type, data);
  }
}
