package dev.blip3o.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/** Makes the JSON header of a safetensors file. */
final class SafetensorsHeader {
  /**
   * The header is filled up with spaces to a multiple of it, so that the first tensor is aligned.
   */
  private static final int ALIGNMENT = 8;

  private SafetensorsHeader() {}

  /** The header of tensors that lie one after the other in this order. */
  static byte[] of(List<Safetensors.Tensor> tensors) throws IOException {
    JsonMapper mapper = new JsonMapper();
    ObjectNode header = mapper.createObjectNode();
    long begin = 0;
    for (Safetensors.Tensor tensor : tensors) {
      if (header.has(tensor.name())) {
        throw new IllegalArgumentException("two tensors are named '" + tensor.name() + "'");
      }
      long end = begin + tensor.data().remaining();
      ObjectNode entry = header.putObject(tensor.name());
      entry.put("dtype", tensor.dtype().name());
      tensor.shape().forEach(entry.putArray("shape")::add);
      entry.putArray("data_offsets").add(begin).add(end);
      begin = end;
    }
    byte[] json = mapper.writeValueAsBytes(header);
    byte[] padded = Arrays.copyOf(json, (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }
}
