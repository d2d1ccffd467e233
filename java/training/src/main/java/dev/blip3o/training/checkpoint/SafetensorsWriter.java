package dev.blip3o.training.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blip3o.OutputFile;
import dev.blip3o.WeightTensor;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Writes safetensors files: 8 bytes with the header's length, a JSON header, the tensors' bytes.
 * Source of the format: the safetensors README, "Format".
 */
public final class SafetensorsWriter {
  static final String METADATA = "__metadata__";

  /** The header is filled up to a multiple of it, so that the first tensor is aligned. */
  private static final int ALIGNMENT = 8;

  private SafetensorsWriter() {}

  /**
   * Writes a file, widest elements first, so that every tensor is aligned. It is written under
   * another name beside its place, forced to disk and moved there: the file appears whole or not at
   * all, and one that is there stays as it was until then.
   *
   * @param file where to
   * @param metadata text by name, for the header
   * @param tensors with different names
   * @throws dev.blip3o.OutputException if it can't be written, for example for want of room
   * @throws IllegalArgumentException if two tensors have one name
   */
  public static void write(Path file, Map<String, String> metadata, List<WeightTensor> tensors) {
    List<WeightTensor> ordered =
        tensors.stream()
            .sorted(
                Comparator.comparing((WeightTensor tensor) -> -tensor.type().bytes())
                    .thenComparing(WeightTensor::name))
            .toList();
    byte[] header = header(metadata, ordered);
    OutputFile.at(file)
        .write(
            out -> {
              writeHeader(out, header);
              WritableByteChannel channel = Channels.newChannel(out);
              for (WeightTensor tensor : ordered) {
                writeAll(channel, tensor.data());
              }
            });
  }

  private static void writeHeader(OutputStream out, byte[] header) throws IOException {
    ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.write(length.putLong(header.length).array());
    out.write(header);
  }

  static void writeAll(WritableByteChannel channel, ByteBuffer data) throws IOException {
    while (data.hasRemaining()) {
      channel.write(data);
    }
  }

  private static byte[] header(Map<String, String> metadata, List<WeightTensor> tensors) {
    JsonMapper mapper = new JsonMapper();
    ObjectNode header = mapper.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode texts = header.putObject(METADATA);
      metadata.forEach(texts::put);
    }
    long begin = 0;
    for (WeightTensor tensor : tensors) {
      if (header.has(tensor.name())) {
        throw new IllegalArgumentException("two tensors are named '" + tensor.name() + "'");
      }
      long end = begin + tensor.data().remaining();
      ObjectNode entry = header.putObject(tensor.name()).put("dtype", tensor.type().name());
      Arrays.stream(tensor.shape()).forEach(entry.putArray("shape")::add);
      entry.putArray("data_offsets").add(begin).add(end);
      begin = end;
    }
    try {
      byte[] json = mapper.writeValueAsBytes(header);
      byte[] padded = Arrays.copyOf(json, (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
      Arrays.fill(padded, json.length, padded.length, (byte) ' ');
      return padded;
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of text and numbers can be written", e);
    }
  }
}
