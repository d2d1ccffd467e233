package dev.blip3o.training.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.WeightTensor;
import dev.blip3o.WeightType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A safetensors file: its header in memory, its tensors mapped from disk when they are asked for.
 * Immutable; any thread may use it.
 */
public final class SafetensorsFile {
  private static final long MAX_HEADER_BYTES = 100L << 20;

  private final Path file;
  private final long dataStart;
  private final Map<String, String> metadata;
  private final Map<String, Entry> entries;

  private SafetensorsFile(
      Path file, long dataStart, Map<String, String> metadata, Map<String, Entry> entries) {
    this.file = file;
    this.dataStart = dataStart;
    this.metadata = metadata;
    this.entries = entries;
  }

  /**
   * What the header says of a tensor.
   *
   * @param type as in the file, for example {@code "BF16"}
   * @param shape sizes of its axes
   * @param begin where its bytes begin, from the data's start
   * @param end where they end
   */
  record Entry(String type, List<Long> shape, long begin, long end) {
    long[] sizes() {
      return shape.stream().mapToLong(Long::longValue).toArray();
    }
  }

  /**
   * Opens a file and checks that its header fits it.
   *
   * @throws CheckpointFileException if it can't be read or is malformed
   */
  public static SafetensorsFile open(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      ByteBuffer prefix = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      readAll(channel, prefix, 0);
      long length = prefix.hasRemaining() ? -1 : prefix.getLong(0);
      if (length < 0 || length > Math.min(MAX_HEADER_BYTES, size - Long.BYTES)) {
        throw new CheckpointFileException(
            file
                + " is no whole safetensors file: it has "
                + size
                + " bytes, its header "
                + length);
      }
      ByteBuffer header = ByteBuffer.allocate((int) length);
      readAll(channel, header, Long.BYTES);
      long dataStart = Long.BYTES + length;
      return parse(file, dataStart, size - dataStart, header.array());
    } catch (NoSuchFileException e) {
      throw new CheckpointFileException("there is no file " + file, e);
    } catch (IOException e) {
      throw new CheckpointFileException(file + ": can't be read: " + e.getMessage(), e);
    }
  }

  private static void readAll(FileChannel channel, ByteBuffer into, long from) throws IOException {
    long at = from;
    while (into.hasRemaining()) {
      int count = channel.read(into, at);
      if (count < 0) {
        return;
      }
      at += count;
    }
  }

  private static SafetensorsFile parse(Path file, long dataStart, long dataBytes, byte[] header)
      throws IOException {
    JsonNode root = tree(file, header);
    Map<String, String> metadata = new LinkedHashMap<>();
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : root.properties()) {
      if (field.getKey().equals(SafetensorsWriter.METADATA)) {
        field.getValue().properties().forEach(m -> metadata.put(m.getKey(), m.getValue().asText()));
      } else {
        entries.put(field.getKey(), entry(file, field.getKey(), field.getValue(), dataBytes));
      }
    }
    return new SafetensorsFile(file, dataStart, metadata, entries);
  }

  private static JsonNode tree(Path file, byte[] header) throws IOException {
    JsonNode root;
    try {
      root = new JsonMapper().readTree(header);
    } catch (JsonProcessingException e) {
      throw new CheckpointFileException(file + ": its header is no JSON", e);
    }
    if (!root.isObject()) {
      throw new CheckpointFileException(
          file + ": its header must be a JSON object, but is " + root.getNodeType());
    }
    return root;
  }

  private static Entry entry(Path file, String name, JsonNode node, long dataBytes) {
    List<Long> shape = new ArrayList<>();
    node.path("shape").forEach(size -> shape.add(size.asLong()));
    JsonNode offsets = node.path("data_offsets");
    long begin = offsets.path(0).asLong(-1);
    long end = offsets.path(1).asLong(-1);
    if (begin < 0 || end < begin || end > dataBytes || !node.path("shape").isArray()) {
      throw new CheckpointFileException(
          file + ": the tensor '" + name + "' lies outside of the file: " + node);
    }
    return new Entry(node.path("dtype").asText(), shape, begin, end);
  }

  /** The header's text, by name. */
  public Map<String, String> metadata() {
    return Map.copyOf(metadata);
  }

  /** The tensors' names, in the header's order. */
  public List<String> names() {
    return List.copyOf(entries.keySet());
  }

  /**
   * A tensor, mapped: it stays valid whatever becomes of this object.
   *
   * @throws CheckpointFileException if there is no such tensor, it is of none of {@link
   *     WeightType}, or can't be mapped
   */
  public WeightTensor tensor(String name) {
    Entry entry = entry(name).orElseThrow(() -> missing(name));
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer data =
          channel.map(
              FileChannel.MapMode.READ_ONLY,
              dataStart + entry.begin(),
              entry.end() - entry.begin());
      return new WeightTensor(name, WeightType.valueOf(entry.type()), data, entry.sizes());
    } catch (IllegalArgumentException | InvalidRequestException e) {
      throw new CheckpointFileException(
          file + ": the tensor '" + name + "' " + entry + " can't be used: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new CheckpointFileException(file + ": can't be mapped: " + e.getMessage(), e);
    }
  }

  private CheckpointFileException missing(String name) {
    return new CheckpointFileException(
        file + ": there is no tensor '" + name + "'; the file holds " + entries.size() + " others");
  }

  Optional<Entry> entry(String name) {
    return Optional.ofNullable(entries.get(name));
  }

  /** The types of the tensors that have one of {@link WeightType}. */
  Map<String, WeightType> types() {
    Map<String, WeightType> types = new LinkedHashMap<>();
    for (WeightType type : WeightType.values()) {
      entries.forEach(
          (name, entry) -> {
            if (entry.type().equals(type.name())) {
              types.put(name, type);
            }
          });
    }
    return types;
  }

  /** Where the tensors' bytes begin. */
  long dataStart() {
    return dataStart;
  }
}
