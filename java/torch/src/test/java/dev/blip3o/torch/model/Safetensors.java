package dev.blip3o.torch.model;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Safetensors files, mapped. */
final class Safetensors {
  private Safetensors() {}

  /** A tensor of a file; {@code data} is direct, read-only and little-endian. */
  record Entry(String type, long[] shape, ByteBuffer data) {
    /** The values of an F32 tensor. */
    float[] floats() {
      float[] values = new float[data.remaining() / 4];
      data.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
      return values;
    }

    /** The values of an I64 tensor that fit 32 bits. */
    int[] ints() {
      int[] values = new int[data.remaining() / 8];
      for (int i = 0; i < values.length; i++) {
        values[i] = Math.toIntExact(data.duplicate().order(ByteOrder.LITTLE_ENDIAN).getLong(8 * i));
      }
      return values;
    }
  }

  /** The tensors of a file by name. */
  static Map<String, Entry> read(Path file) {
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
      byte[] header = new byte[Math.toIntExact(bytes.order(ByteOrder.LITTLE_ENDIAN).getLong())];
      bytes.get(header);
      ByteBuffer data = bytes.slice();
      Map<String, Entry> entries = new LinkedHashMap<>();
      try (JsonParser parser = new JsonFactory().createParser(header)) {
        parser.nextToken();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          entry(parser, data, entries);
        }
      }
      return entries;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void entry(JsonParser parser, ByteBuffer data, Map<String, Entry> entries)
      throws IOException {
    String name = parser.currentName();
    parser.nextToken();
    if (name.equals("__metadata__")) {
      parser.skipChildren();
      return;
    }
    String type = null;
    long[] shape = {};
    long[] offsets = {};
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String field = parser.currentName();
      parser.nextToken();
      switch (field) {
        case "dtype" -> type = parser.getText();
        case "shape" -> shape = longs(parser);
        case "data_offsets" -> offsets = longs(parser);
        default -> throw new IOException("unexpected field " + field);
      }
    }
    int from = Math.toIntExact(offsets[0]);
    entries.put(name, new Entry(type, shape, data.slice(from, (int) offsets[1] - from)));
  }

  private static long[] longs(JsonParser parser) throws IOException {
    List<Long> values = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      values.add(parser.getLongValue());
    }
    return values.stream().mapToLong(Long::longValue).toArray();
  }
}
