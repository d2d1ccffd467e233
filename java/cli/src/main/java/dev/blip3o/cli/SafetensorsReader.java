package dev.blip3o.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Reads one safetensors file and trusts nothing that it says. */
final class SafetensorsReader {
  private static final long MAX_FILE_BYTES = 1L << 30;
  private static final String METADATA = "__metadata__";
  private static final Set<String> FIELDS = Set.of("dtype", "shape", "data_offsets");

  private final Path file;

  SafetensorsReader(Path file) {
    this.file = file;
  }

  Safetensors read() {
    ByteBuffer bytes = ByteBuffer.wrap(bytes()).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.remaining() < Long.BYTES) {
      throw failure(
          "expected 8 bytes with the header's length, but the file has %d", bytes.remaining());
    }
    long length = bytes.getLong();
    if (length < 0 || length > bytes.remaining()) {
      throw failure(
          "the header is said to have %s bytes, but only %d follow: the file is cut off or no"
              + " safetensors file",
          Long.toUnsignedString(length), bytes.remaining());
    }
    ByteBuffer header = bytes.slice(bytes.position(), (int) length);
    ByteBuffer data =
        bytes.slice(bytes.position() + (int) length, bytes.remaining() - (int) length);
    return new Safetensors(file, tensors(parse(header), data));
  }

  private byte[] bytes() {
    try {
      if (Files.isDirectory(file)) {
        throw failure("expected a safetensors file, but found a directory");
      }
      long size = Files.size(file);
      if (size > MAX_FILE_BYTES) {
        throw failure("expected at most %d bytes, but the file has %d", MAX_FILE_BYTES, size);
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new SafetensorsException(ReadFailure.sentence(file, e), e);
    }
  }

  private JsonNode parse(ByteBuffer header) {
    JsonMapper mapper =
        JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    try {
      JsonNode root =
          mapper.readTree(StandardCharsets.UTF_8.newDecoder().decode(header).toString());
      if (!root.isObject()) {
        throw failure("the header must be a JSON object, but is %s", root.getNodeType());
      }
      return root;
    } catch (CharacterCodingException e) {
      throw new SafetensorsException(file + ": the header is no UTF-8 text", e);
    } catch (JsonProcessingException e) {
      throw new SafetensorsException(
          file + ": the header is no JSON: " + Text.oneLine(e.getOriginalMessage()), e);
    }
  }

  private Map<String, Safetensors.Tensor> tensors(JsonNode header, ByteBuffer data) {
    List<Entry> entries = new ArrayList<>();
    for (Map.Entry<String, JsonNode> field : header.properties()) {
      if (field.getKey().equals(METADATA)) {
        checkMetadata(field.getValue());
      } else {
        entries.add(entry(field.getKey(), field.getValue()));
      }
    }
    checkCoverage(entries, data.remaining());
    Map<String, Safetensors.Tensor> tensors = new LinkedHashMap<>();
    for (Entry entry : entries) {
      ByteBuffer bytes = data.slice((int) entry.begin, (int) (entry.end - entry.begin));
      tensors.put(entry.name, new Safetensors.Tensor(entry.name, entry.dtype, entry.shape, bytes));
    }
    return tensors;
  }

  private void checkMetadata(JsonNode metadata) {
    boolean strings = metadata.isObject();
    for (JsonNode value : metadata) {
      strings &= value.isTextual();
    }
    if (!strings) {
      throw failure("%s must be an object of strings, but is %s", METADATA, metadata);
    }
  }

  private Entry entry(String name, JsonNode entry) {
    Set<String> fields = new TreeSet<>();
    entry.fieldNames().forEachRemaining(fields::add);
    if (!fields.equals(FIELDS)) {
      throw failure(
          "tensor '%s' must have the fields data_offsets, dtype and shape, but has %s",
          name, fields);
    }
    Safetensors.Dtype dtype = dtype(name, entry.get("dtype"));
    List<Long> shape = sizes(name, "shape", entry.get("shape"));
    List<Long> offsets = sizes(name, "data_offsets", entry.get("data_offsets"));
    if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
      throw failure(
          "tensor '%s': data_offsets must be a begin and an end, but is %s", name, offsets);
    }
    Entry result = new Entry(name, dtype, shape, offsets.get(0), offsets.get(1));
    checkSize(result);
    return result;
  }

  private Safetensors.Dtype dtype(String name, JsonNode dtype) {
    try {
      return Safetensors.Dtype.valueOf(dtype.asText());
    } catch (IllegalArgumentException e) {
      throw new SafetensorsException(
          file + ": tensor '" + name + "' has the unknown dtype " + dtype, e);
    }
  }

  private List<Long> sizes(String name, String field, JsonNode values) {
    List<Long> sizes = new ArrayList<>();
    boolean valid = values.isArray();
    for (JsonNode value : values) {
      valid &= value.isIntegralNumber() && value.canConvertToLong() && value.asLong() >= 0;
      sizes.add(value.asLong());
    }
    if (!valid) {
      throw failure(
          "tensor '%s': %s must be whole numbers from 0 on, but is %s", name, field, values);
    }
    return sizes;
  }

  private void checkSize(Entry entry) {
    long bytes = entry.dtype.bytes();
    try {
      for (long size : entry.shape) {
        bytes = Math.multiplyExact(bytes, size);
      }
    } catch (ArithmeticException e) {
      throw new SafetensorsException(
          file + ": tensor '" + entry.name + "': the shape " + entry.shape + " is too large", e);
    }
    if (bytes != entry.end - entry.begin) {
      throw failure(
          "tensor '%s' %s %s needs %d bytes, but data_offsets give it %d",
          entry.name, entry.dtype, entry.shape, bytes, entry.end - entry.begin);
    }
  }

  /** Checks that the tensors fill the data without gap or overlap. */
  private void checkCoverage(List<Entry> entries, long available) {
    List<Entry> ordered = new ArrayList<>(entries);
    ordered.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    long end = 0;
    for (Entry entry : ordered) {
      if (entry.begin != end) {
        throw failure(
            "tensor '%s' must begin at byte %d of the data, where the one before it ends, but"
                + " begins at %d",
            entry.name, end, entry.begin);
      }
      end = entry.end;
      if (end > available) {
        throw failure(
            "tensor '%s' ends at byte %d of the data, but the file has only %d: it is cut off",
            entry.name, end, available);
      }
    }
    if (end != available) {
      throw failure("the tensors end at byte %d of the data, but the file has %d", end, available);
    }
  }

  private SafetensorsException failure(String format, Object... values) {
    return new SafetensorsException(file + ": " + String.format(Locale.ROOT, format, values));
  }

  private record Entry(
      String name, Safetensors.Dtype dtype, List<Long> shape, long begin, long end) {}
}
