package dev.blip3o.internal;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.InflaterInputStream;

/**
 * Reads the text chunks of a PNG.
 *
 * <p>Source: PNG Specification (Third Edition), section 11.3.3 (text chunks).
 */
public final class PngTextReader {
  private static final int MAX_TEXT_BYTES = 1 << 20;

  private PngTextReader() {}

  /**
   * Keyword to text, in the order of the file; of equal keywords the last one counts. Compressed
   * texts are read up to 1 MiB, longer chunks are left out.
   *
   * @param in a PNG from its first byte; not closed
   * @throws IOException if it is no whole PNG
   */
  public static Map<String, String> read(InputStream in) throws IOException {
    Map<String, String> text = new LinkedHashMap<>();
    for (PngChunks.Chunk chunk : PngChunks.read(in, "tEXt", "zTXt", "iTXt")) {
      Fields fields = new Fields(chunk.data());
      String keyword = fields.next(StandardCharsets.ISO_8859_1);
      text.put(
          keyword,
          switch (chunk.type()) {
            case "tEXt" -> fields.rest(false, StandardCharsets.ISO_8859_1);
            case "zTXt" -> {
              fields.flag(); // the method, of which there is one
              yield fields.rest(true, StandardCharsets.ISO_8859_1);
            }
            default -> international(fields);
          });
    }
    return text;
  }

  private static String international(Fields fields) throws IOException {
    boolean compressed = fields.flag() != 0;
    fields.flag(); // the method, of which there is one
    fields.next(StandardCharsets.ISO_8859_1); // the language
    fields.next(StandardCharsets.UTF_8); // the keyword in that language
    return fields.rest(compressed, StandardCharsets.UTF_8);
  }

  /** The fields of a chunk, separated by NUL. */
  private static final class Fields {
    private final byte[] data;
    private int position;

    Fields(byte[] data) {
      this.data = data;
    }

    String next(Charset charset) throws IOException {
      int start = position;
      while (flag() != 0) {
        // up to the NUL
      }
      return new String(data, start, position - 1 - start, charset);
    }

    int flag() throws IOException {
      if (position == data.length) {
        throw new IOException("a text chunk lacks a field");
      }
      return data[position++];
    }

    String rest(boolean compressed, Charset charset) throws IOException {
      InputStream in = new ByteArrayInputStream(data, position, data.length - position);
      try (InputStream text = compressed ? new InflaterInputStream(in) : in) {
        return new String(text.readNBytes(MAX_TEXT_BYTES), charset);
      }
    }
  }
}
