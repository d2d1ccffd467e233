package dev.blip3o.training.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.OutputException;
import dev.blip3o.WeightTensor;
import dev.blip3o.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointFolderTest {
  private static final WeightTensor NEW =
      Buffers.bits("layer.weight", WeightType.BF16, List.of(2L), 0x4000, 0x4040);

  @TempDir Path folder;
  private Path source;
  private Path target;

  @BeforeEach
  void makeSource() throws IOException {
    source = Files.createDirectories(folder.resolve("model"));
    target = folder.resolve("step-000010");
    Files.createDirectories(source.resolve("diffusion/vae"));
    Files.createDirectories(source.resolve("training"));
    Files.writeString(source.resolve("config.json"), "{}");
    Files.writeString(source.resolve("diffusion/vae/config.json"), "{\"a\": 1}");
    Files.writeString(source.resolve("training/state.json"), "of an earlier run");
    SafetensorsWriter.write(
        source.resolve("model.safetensors"),
        Map.of("format", "pt"),
        List.of(
            Buffers.bits("layer.weight", WeightType.BF16, List.of(2L), 0x3F80, 0x3F80),
            Buffers.f32("other.weight", List.of(1L), 7)));
  }

  private List<String> names(Path of) throws IOException {
    try (Stream<Path> files = Files.walk(of)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> of.relativize(file).toString())
          .sorted()
          .toList();
    }
  }

  private void write(WeightTensor... changed) {
    CheckpointFolder.write(
        source,
        target,
        List.of(changed),
        training -> Files.writeString(training.resolve("step.txt"), "10"));
  }

  @Test
  void aCheckpointIsTheSourceWithNewValues() throws IOException {
    byte[] before = Files.readAllBytes(source.resolve("model.safetensors"));
    write(NEW);
    assertEquals(
        List.of(
            "config.json", "diffusion/vae/config.json", "model.safetensors", "training/step.txt"),
        names(target));
    SafetensorsFile written = SafetensorsFile.open(target.resolve("model.safetensors"));
    assertArrayEquals(Buffers.bytes(NEW), Buffers.bytes(written.tensor("layer.weight")));
    assertEquals(7, written.tensor("other.weight").data().getFloat(0));
    byte[] after = Files.readAllBytes(target.resolve("model.safetensors"));
    assertEquals(before.length, after.length);
    assertArrayEquals(before, Files.readAllBytes(source.resolve("model.safetensors")));
  }

  @Test
  void oneThatIsThereIsReplaced() throws IOException {
    write();
    write(NEW);
    SafetensorsFile written = SafetensorsFile.open(target.resolve("model.safetensors"));
    assertArrayEquals(Buffers.bytes(NEW), Buffers.bytes(written.tensor("layer.weight")));
    assertOnlyModelAnd("step-000010");
  }

  private void assertOnlyModelAnd(String... others) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      List<String> expected = Stream.concat(Stream.of("model"), Stream.of(others)).toList();
      assertEquals(expected, files.map(f -> f.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void tensorsMustBeThereAndOfTheirShape() throws IOException {
    WeightTensor unknown = Buffers.bits("layer.bias", WeightType.BF16, List.of(1L), 0);
    CheckpointFileException e = assertThrows(CheckpointFileException.class, () -> write(unknown));
    assertTrue(e.getMessage().contains("'layer.bias'"), e.getMessage());
    WeightTensor wider = Buffers.f32("layer.weight", List.of(2L), 1, 2);
    e = assertThrows(CheckpointFileException.class, () -> write(wider));
    assertTrue(e.getMessage().contains("must be BF16 [2], but is F32 [2]"), e.getMessage());
    assertOnlyModelAnd();
  }

  @Test
  void aFailureLeavesTheOneBeforeAndNothingElse() throws IOException {
    write();
    byte[] before = Files.readAllBytes(target.resolve("model.safetensors"));
    OutputException e =
        assertThrows(
            OutputException.class,
            () ->
                CheckpointFolder.write(
                    source,
                    target,
                    List.of(NEW),
                    training -> {
                      throw new IOException("No space left on device");
                    }));
    assertTrue(e.getMessage().contains(target.toString()), e.getMessage());
    assertTrue(
        e.getMessage().contains("No space left on device; earlier ones are untouched"),
        e.getMessage());
    assertArrayEquals(before, Files.readAllBytes(target.resolve("model.safetensors")));
    assertOnlyModelAnd("step-000010");
  }

  @Test
  void aPlaceThatCannotBeWrittenIsNamed() {
    target = folder.resolve("no/step-000010");
    OutputException e = assertThrows(OutputException.class, () -> write(NEW));
    assertTrue(e.getMessage().contains("there is no directory"), e.getMessage());
    target = source.resolve("step-000010");
    e = assertThrows(OutputException.class, () -> write(NEW));
    assertTrue(e.getMessage().contains("inside of"), e.getMessage());
  }
}
