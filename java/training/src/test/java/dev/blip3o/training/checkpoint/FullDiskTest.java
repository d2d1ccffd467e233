package dev.blip3o.training.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A disk that is full, as a process sees it whose files may not grow beyond 100 blocks: writing
 * fails in the middle of a file.
 */
class FullDiskTest {
  private static final String LIMIT = "100";

  @TempDir Path folder;
  private Path source;
  private Path checkpoint;
  private Path state;

  @BeforeEach
  void makeModel() throws IOException {
    source = Files.createDirectory(folder.resolve("model"));
    checkpoint = folder.resolve("checkpoint");
    state = folder.resolve("state.safetensors");
    SafetensorsWriter.write(
        source.resolve("model.safetensors"),
        Map.of(),
        List.of(Buffers.f32("w", List.of(1L << 16), new float[1 << 16])));
  }

  private List<String> run(String limit) throws Exception {
    List<String> command =
        new ArrayList<>(List.of("sh", "-c", "ulimit -f " + limit + "; exec \"$@\"", "sh"));
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx64m",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-cp",
            System.getProperty("java.class.path"),
            WritingProgram.class.getName(),
            source.toString(),
            checkpoint.toString(),
            state.toString()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    return output.lines().toList();
  }

  @Test
  void oneErrorAndTheLastGoodCheckpointIsIntact() throws Exception {
    assertEquals(List.of("written", "written"), run("unlimited"));
    byte[] model = Files.readAllBytes(checkpoint.resolve("model.safetensors"));
    byte[] values = Files.readAllBytes(state);
    List<String> errors = run(LIMIT);
    assertEquals(2, errors.size(), errors.toString());
    assertTrue(
        errors.get(0).startsWith("can't write the checkpoint " + checkpoint), errors.toString());
    assertTrue(errors.get(0).endsWith("earlier ones are untouched"), errors.toString());
    assertTrue(errors.get(1).startsWith("can't write " + state + ": "), errors.toString());
    assertArrayEquals(model, Files.readAllBytes(checkpoint.resolve("model.safetensors")));
    assertArrayEquals(values, Files.readAllBytes(state));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(
          List.of("checkpoint", "model", "state.safetensors"),
          files.map(file -> file.getFileName().toString()).sorted().toList());
    }
  }
}
