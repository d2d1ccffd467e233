package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.cli.Safetensors;
import dev.blip3o.support.Repository;
import java.io.IOException;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code trace} gives the golden traces, which come from transformers and diffusers in F32. */
class CliTraceTest {
  /**
   * The largest relative L2 error of a float tensor. Both sides compute in F32 and differ only in
   * the order of their sums: with u = 2^-24 = 6e-8, a product over n = 4096 terms differs by about
   * sqrt(n) u = 4e-6, and the few hundred products behind a tensor, whose errors are independent,
   * by about sqrt(300) times that: 7e-5.
   */
  private static final double MAX_RELATIVE_ERROR = 1e-4;

  /** One step of rounding at a value that lies between two integers. */
  private static final int MAX_PIXEL_DIFFERENCE = 1;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "reference/tiny/job0, tests/golden/reference/tiny/model",
    "reference/tiny/job2, tests/golden/reference/tiny/model",
    "reference/tied/job0, tests/golden/reference/tied/model",
    "reference/table/job0, tests/golden/reference/table/model",
    "demo/job0, weights/demo",
    "reference/tiny/job1, tests/golden/reference/tiny/model",
    "reference/table/job1, tests/golden/reference/table/model",
    "reference/table/job2, tests/golden/reference/table/model",
    "demo/job1, weights/demo"
  })
  void agreesWithTheGoldenTrace(String jobName, String model) throws IOException {
    Path job = Repository.golden().resolve(jobName);
    Properties properties = properties(job.resolve("job.properties"));
    Path out = folder.resolve("trace.safetensors");
    List<String> words =
        new ArrayList<>(
            List.of(
                "trace",
                "--model=" + Repository.root().resolve(model),
                "--prompt=" + properties.getProperty("text"),
                "--noise=" + job.resolve("noise.safetensors"),
                "--steps=" + properties.getProperty("steps"),
                "--guidance=" + properties.getProperty("guidance"),
                "--out=" + out));
    int references = Integer.parseInt(properties.getProperty("references"));
    for (int k = 0; k < references; k++) {
      words.add("--reference=" + job.resolve("reference" + k + ".png"));
    }
    Command command = Command.run(words.toArray(String[]::new));
    assertEquals(0, command.code(), command.err());

    Safetensors golden = Safetensors.read(job.resolve("trace.safetensors"));
    Safetensors trace = Safetensors.read(out);
    List<Executable> checks =
        golden.names().stream()
            .filter(name -> !name.contains("margin"))
            .map(name -> (Executable) () -> assertAgrees(golden, trace, name))
            .toList();
    assertTrue(
        checks.size() >= (references == 0 ? 13 : 15), "the golden trace holds " + golden.names());
    assertAll(checks);
  }

  private static void assertAgrees(Safetensors golden, Safetensors trace, String name) {
    Safetensors.Tensor expected = golden.tensor(name).orElseThrow();
    Safetensors.Tensor actual =
        trace
            .tensor(name)
            .orElseThrow(() -> new AssertionError(name + " is missing in " + trace.names()));
    assertEquals(expected.dtype(), actual.dtype(), name);
    assertEquals(expected.shape(), actual.shape(), name);
    switch (expected.dtype()) {
      case I64 -> assertArrayEquals(expected.longs(), actual.longs(), name);
      case F32 -> assertClose(name, expected.floats(), actual.floats());
      case U8 -> assertPixelsClose(name, expected.data(), actual.data());
      default -> throw new AssertionError(name + " is " + expected.dtype());
    }
  }

  private static void assertClose(String name, float[] expected, float[] actual) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      double delta = (double) actual[i] - expected[i];
      difference += delta * delta;
      size += (double) expected[i] * expected[i];
    }
    double error = Math.sqrt(difference / size);
    // Not "error > bound", which NaN would pass.
    assertTrue(
        error <= MAX_RELATIVE_ERROR,
        () -> String.format(Locale.ROOT, "%s: relative L2 error %.3g", name, error));
  }

  private static void assertPixelsClose(String name, ByteBuffer expected, ByteBuffer actual) {
    for (int i = 0; i < expected.limit(); i++) {
      int difference = Math.abs((expected.get(i) & 0xFF) - (actual.get(i) & 0xFF));
      int place = i;
      assertTrue(
          difference <= MAX_PIXEL_DIFFERENCE,
          () -> name + ": byte " + place + " differs by " + difference);
    }
  }

  @Test
  void noiseOfAnotherShapeIsRefusedByName() throws IOException {
    Path noise = Repository.golden().resolve("reference/tiny/job0/noise.safetensors");
    Command command =
        Command.run(
            "trace", "--prompt=a cross", "--noise=" + noise, "--out=" + folder.resolve("a.st"));
    assertEquals(1, command.code());
    String line = command.err().lines().reduce((first, last) -> last).orElseThrow();
    assertEquals(
        "blip3o: "
            + noise
            + ": tensor 'noise' must have the shape of this checkpoint's latents, [16, 8, 8],"
            + " but has [8, 8, 8]",
        line);
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(0, files.count());
    }
  }

  private static Properties properties(Path file) throws IOException {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      properties.load(reader);
    }
    return properties;
  }
}
