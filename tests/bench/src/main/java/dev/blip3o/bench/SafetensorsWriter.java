package dev.blip3o.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Streams random BF16 tensors into safetensors shards and writes their index. */
final class SafetensorsWriter {
  private static final int BYTES_PER_VALUE = 2;
  private static final int BUFFER_BYTES = 4 << 20;
  private static final int HEADER_ALIGNMENT = 8;

  private final Path directory;
  private final RandomValues values;

  SafetensorsWriter(Path directory, RandomValues values) {
    this.directory = directory;
    this.values = values;
  }

  static long bytes(List<CheckpointTensors.Spec> specs) {
    return specs.stream().mapToLong(spec -> spec.elements() * BYTES_PER_VALUE).sum();
  }

  /**
   * Writes {@code specs} in order, a new file each time {@code shardBytes} would be passed; one
   * file alone is {@code model.safetensors} without an index.
   */
  void write(List<CheckpointTensors.Spec> specs, long shardBytes) throws IOException {
    List<List<CheckpointTensors.Spec>> shards = split(specs, shardBytes);
    Map<String, String> index = new LinkedHashMap<>();
    int tensor = 0;
    for (int i = 0; i < shards.size(); i++) {
      String file =
          shards.size() == 1
              ? "model.safetensors"
              : String.format("model-%05d-of-%05d.safetensors", i + 1, shards.size());
      writeShard(directory.resolve(file), shards.get(i), tensor);
      tensor += shards.get(i).size();
      shards.get(i).forEach(spec -> index.put(spec.name(), file));
    }
    if (shards.size() > 1) {
      Map<String, Object> root = new LinkedHashMap<>();
      root.put("metadata", Map.of("total_size", bytes(specs)));
      root.put("weight_map", index);
      Files.writeString(directory.resolve("model.safetensors.index.json"), Json.of(root));
    }
  }

  private static List<List<CheckpointTensors.Spec>> split(
      List<CheckpointTensors.Spec> specs, long shardBytes) {
    List<List<CheckpointTensors.Spec>> shards = new ArrayList<>(List.of(new ArrayList<>()));
    long used = 0;
    for (CheckpointTensors.Spec spec : specs) {
      long bytes = bytes(List.of(spec));
      if (used > 0 && used + bytes > shardBytes) {
        shards.add(new ArrayList<>());
        used = 0;
      }
      shards.get(shards.size() - 1).add(spec);
      used += bytes;
    }
    return shards;
  }

  private void writeShard(Path file, List<CheckpointTensors.Spec> specs, int firstIndex)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      writeFully(channel, header(specs));
      ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < specs.size(); i++) {
        RandomValues.Source source = values.source(specs.get(i), firstIndex + i);
        for (long left = specs.get(i).elements(); left > 0; ) {
          int count = (int) Math.min(left, BUFFER_BYTES / BYTES_PER_VALUE);
          source.fill(buffer.clear(), count);
          writeFully(channel, buffer.flip());
          left -= count;
        }
      }
    }
  }

  private static ByteBuffer header(List<CheckpointTensors.Spec> specs) {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("__metadata__", Map.of("format", "pt"));
    long offset = 0;
    for (CheckpointTensors.Spec spec : specs) {
      long end = offset + bytes(List.of(spec));
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("dtype", "BF16");
      entry.put("shape", spec.shape());
      entry.put("data_offsets", List.of(offset, end));
      root.put(spec.name(), entry);
      offset = end;
    }
    byte[] json = Json.of(root).getBytes(StandardCharsets.UTF_8);
    int padded = (json.length + HEADER_ALIGNMENT - 1) / HEADER_ALIGNMENT * HEADER_ALIGNMENT;
    ByteBuffer out = ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(padded).put(json);
    while (out.hasRemaining()) {
      out.put((byte) ' ');
    }
    return out.flip();
  }

  private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }
}
