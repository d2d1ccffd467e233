package dev.blip3o.e2e;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A safetensors file in memory, to be spoilt and written back. */
final class SafetensorsEditor {
  private static final JsonMapper JSON = new JsonMapper();

  private final Path file;
  private final ObjectNode header;
  private final byte[] data;

  /** Reads a good file. */
  SafetensorsEditor(Path file) {
    this.file = file;
    try {
      byte[] bytes = Files.readAllBytes(file);
      int length = Math.toIntExact(littleEndian(bytes).getLong(0));
      header = (ObjectNode) JSON.readTree(bytes, Long.BYTES, length);
      data = Arrays.copyOfRange(bytes, Long.BYTES + length, bytes.length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The header's entry of a tensor, which may be changed. */
  ObjectNode entry(String tensor) {
    return (ObjectNode) header.get(tensor);
  }

  /** The names of the tensors that begin with {@code prefix}. */
  List<String> names(String prefix) {
    List<String> names = new ArrayList<>();
    header.fieldNames().forEachRemaining(names::add);
    return names.stream().filter(name -> name.startsWith(prefix)).toList();
  }

  /** Gives a tensor another name. */
  void rename(String from, String to) {
    header.set(to, header.remove(from));
  }

  /** Writes the element of a BF16 tensor that has this flat index. */
  void putBf16(String tensor, int index, int bits) {
    int begin = entry(tensor).get("data_offsets").get(0).asInt();
    littleEndian(data).putShort(begin + Short.BYTES * index, (short) bits);
  }

  /** Writes the file back, header first. */
  void write() {
    byte[] text = header.toString().getBytes(StandardCharsets.UTF_8);
    byte[] bytes = new byte[Long.BYTES + text.length + data.length];
    littleEndian(bytes).putLong(text.length).put(text).put(data);
    try {
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ByteBuffer littleEndian(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
