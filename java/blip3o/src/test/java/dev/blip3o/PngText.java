package dev.blip3o;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;

/** Reads the text chunks of a PNG, and checks the sum of every chunk. */
public final class PngText {
  private static final int SIGNATURE_BYTES = 8;

  private PngText() {}

  /** Keyword to text, in the order of the file. */
  public static Map<String, String> read(byte[] png) {
    Map<String, String> text = new LinkedHashMap<>();
    ByteBuffer chunks = ByteBuffer.wrap(png).position(SIGNATURE_BYTES);
    while (chunks.hasRemaining()) {
      byte[] data = new byte[chunks.getInt()];
      byte[] type = new byte[4];
      chunks.get(type).get(data);
      CRC32 crc = new CRC32();
      crc.update(type);
      crc.update(data);
      if (chunks.getInt() != (int) crc.getValue()) {
        throw new AssertionError("wrong sum of chunk " + new String(type, StandardCharsets.UTF_8));
      }
      add(new String(type, StandardCharsets.US_ASCII), data, text);
    }
    return text;
  }

  private static void add(String type, byte[] data, Map<String, String> text) {
    if (!type.equals("tEXt") && !type.equals("iTXt")) {
      return;
    }
    int end = 0;
    while (data[end] != 0) {
      end++;
    }
    String keyword = new String(data, 0, end, StandardCharsets.ISO_8859_1);
    int start = end + (type.equals("tEXt") ? 1 : 5);
    text.put(
        keyword,
        new String(
            data,
            start,
            data.length - start,
            type.equals("tEXt") ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8));
  }
}
