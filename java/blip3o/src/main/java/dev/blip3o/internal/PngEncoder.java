package dev.blip3o.internal;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;

/**
 * Writes 8-bit RGB pictures as PNG with text chunks. By hand, since ImageIO needs a hundred
 * milliseconds of class loading and a metadata tree for the same three chunks.
 *
 * <p>Source: PNG Specification (Third Edition), sections 9 (filtering), 11.2 (critical chunks),
 * 11.3.3 (text chunks).
 */
public final class PngEncoder {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  private static final int MAX_KEYWORD = 79;
  private static final int CHANNELS = 3;
  private static final int FILTERS = 5;

  private PngEncoder() {}

  /**
   * Writes a picture.
   *
   * @param out where to; not closed
   * @param rgb {@code [height, width, 3]}
   * @param text keyword to text; written as tEXt where it is Latin-1, else as iTXt
   */
  public static void write(
      OutputStream out, int width, int height, byte[] rgb, Map<String, String> text)
      throws IOException {
    out.write(SIGNATURE);
    writeChunk(out, "IHDR", header(width, height));
    for (Map.Entry<String, String> entry : text.entrySet()) {
      writeText(out, entry.getKey(), entry.getValue());
    }
    writeChunk(out, "IDAT", compress(width, height, rgb));
    writeChunk(out, "IEND", new byte[0]);
  }

  private static byte[] header(int width, int height) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream data = new DataOutputStream(bytes);
    data.writeInt(width);
    data.writeInt(height);
    data.write(new byte[] {8, 2, 0, 0, 0}); // 8 bits, truecolour, deflate, adaptive, not interlaced
    return bytes.toByteArray();
  }

  private static void writeText(OutputStream out, String keyword, String text) throws IOException {
    if (keyword.isEmpty()
        || keyword.length() > MAX_KEYWORD
        || !StandardCharsets.ISO_8859_1.newEncoder().canEncode(keyword)
        || keyword.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "a PNG keyword has 1 to 79 Latin-1 characters, but this is '" + keyword + "'");
    }
    String clean = text.replace('\0', '\uFFFD'); // NUL separates the fields
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(keyword.getBytes(StandardCharsets.ISO_8859_1));
    if (StandardCharsets.ISO_8859_1.newEncoder().canEncode(clean)) {
      bytes.write(0);
      bytes.write(clean.getBytes(StandardCharsets.ISO_8859_1));
      writeChunk(out, "tEXt", bytes.toByteArray());
    } else {
      bytes.write(new byte[5]); // NUL, not compressed, method 0, no language, no translated keyword
      bytes.write(clean.getBytes(StandardCharsets.UTF_8));
      writeChunk(out, "iTXt", bytes.toByteArray());
    }
  }

  private static void writeChunk(OutputStream out, String type, byte[] data) throws IOException {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    CRC32 crc = new CRC32();
    crc.update(name);
    crc.update(data);
    DataOutputStream chunk = new DataOutputStream(out);
    chunk.writeInt(data.length);
    chunk.write(name);
    chunk.write(data);
    chunk.writeInt((int) crc.getValue());
  }

  private static byte[] compress(int width, int height, byte[] rgb) throws IOException {
    int stride = width * CHANNELS;
    byte[] above = new byte[stride];
    byte[] row = new byte[stride];
    byte[] best = new byte[stride + 1];
    byte[] candidate = new byte[stride + 1];
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(rgb.length / 4);
    Deflater deflater = new Deflater();
    try (DeflaterOutputStream out = new DeflaterOutputStream(bytes, deflater, 1 << 14)) {
      for (int y = 0; y < height; y++) {
        System.arraycopy(rgb, y * stride, row, 0, stride);
        long bestCost = Long.MAX_VALUE;
        for (int filter = 0; filter < FILTERS; filter++) {
          long cost = filterRow(filter, row, above, candidate);
          if (cost < bestCost) {
            bestCost = cost;
            byte[] swap = best;
            best = candidate;
            candidate = swap;
          }
        }
        out.write(best);
        byte[] swap = above;
        above = row;
        row = swap;
      }
    } finally {
      deflater.end();
    }
    return bytes.toByteArray();
  }

  /**
   * Filters a row and returns the sum of absolute differences, the usual guess at how well it
   * compresses.
   */
  private static long filterRow(int filter, byte[] row, byte[] above, byte[] out) {
    out[0] = (byte) filter;
    long cost = 0;
    for (int i = 0; i < row.length; i++) {
      int left = i < CHANNELS ? 0 : row[i - CHANNELS] & 0xFF;
      int up = above[i] & 0xFF;
      int predicted =
          switch (filter) {
            case 0 -> 0;
            case 1 -> left;
            case 2 -> up;
            case 3 -> (left + up) / 2;
            default -> paeth(left, up, i < CHANNELS ? 0 : above[i - CHANNELS] & 0xFF);
          };
      byte difference = (byte) (row[i] - predicted);
      out[i + 1] = difference;
      cost += Math.abs(difference);
    }
    return cost;
  }

  private static int paeth(int left, int up, int upLeft) {
    int estimate = left + up - upLeft;
    int distanceLeft = Math.abs(estimate - left);
    int distanceUp = Math.abs(estimate - up);
    int distanceUpLeft = Math.abs(estimate - upLeft);
    if (distanceLeft <= distanceUp && distanceLeft <= distanceUpLeft) {
      return left;
    }
    return distanceUp <= distanceUpLeft ? up : upLeft;
  }
}
