package dev.blip3o;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** The checkpoints and golden traces of the repository. */
public final class Golden {
  private Golden() {}

  /** A job: what was asked, and every tensor of the reference's run. */
  public record Job(
      String prompt,
      int steps,
      double guidance,
      List<InputImage> references,
      Map<String, Tensor> trace) {}

  /** A tensor of a trace. */
  public record Tensor(String dtype, long[] shape, ByteBuffer data) {
    /** The values of an F32 tensor. */
    public float[] floats() {
      float[] values = new float[data.capacity() / 4];
      data.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
      return values;
    }

    /** The values of an I64 tensor that fit 32 bits. */
    public int[] ints() {
      int[] values = new int[data.capacity() / 8];
      for (int i = 0; i < values.length; i++) {
        values[i] = Math.toIntExact(data.duplicate().order(ByteOrder.LITTLE_ENDIAN).getLong(8 * i));
      }
      return values;
    }
  }

  /** The checkpoint of {@code demo}, {@code tiny}, {@code table} or {@code tied}. */
  public static Path model(String name) {
    return name.equals("demo")
        ? root().resolve("weights/demo")
        : root().resolve("tests/golden/reference").resolve(name).resolve("model");
  }

  /** Job {@code number} of that checkpoint. */
  public static Job job(String name, int number) {
    Path golden = root().resolve("tests/golden");
    Path directory =
        (name.equals("demo") ? golden.resolve(name) : golden.resolve("reference").resolve(name))
            .resolve("job" + number);
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(directory.resolve("job.properties"))) {
      properties.load(reader);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Job(
        properties.getProperty("text"),
        Integer.parseInt(properties.getProperty("steps")),
        Double.parseDouble(properties.getProperty("guidance")),
        IntStream.range(0, Integer.parseInt(properties.getProperty("references")))
            .mapToObj(k -> InputImage.read(directory.resolve("reference" + k + ".png")))
            .toList(),
        tensors(directory.resolve("trace.safetensors")));
  }

  private static Path root() {
    return Path.of(System.getProperty("blip3o.root"));
  }

  private static Map<String, Tensor> tensors(Path file) {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      byte[] header = new byte[Math.toIntExact(bytes.getLong())];
      bytes.get(header);
      ByteBuffer data = bytes.slice();
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      try (JsonParser parser = new JsonFactory().createParser(header)) {
        parser.nextToken();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          tensors.put(parser.currentName(), tensor(parser, data));
        }
      }
      return tensors;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Tensor tensor(JsonParser parser, ByteBuffer data) throws IOException {
    String dtype = null;
    long[] shape = {};
    long[] offsets = {};
    parser.nextToken();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String field = parser.currentName();
      parser.nextToken();
      switch (field) {
        case "dtype" -> dtype = parser.getText();
        case "shape" -> shape = longs(parser);
        case "data_offsets" -> offsets = longs(parser);
        default -> throw new IOException("unexpected field " + field);
      }
    }
    int from = Math.toIntExact(offsets[0]);
    return new Tensor(dtype, shape, data.slice(from, Math.toIntExact(offsets[1]) - from));
  }

  private static long[] longs(JsonParser parser) throws IOException {
    LongStream.Builder values = LongStream.builder();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      values.add(parser.getLongValue());
    }
    return values.build().toArray();
  }
}
