package dev.blip3o.training.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.OutputException;
import dev.blip3o.WeightTensor;
import dev.blip3o.WeightType;
import dev.blip3o.support.Repository;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsTest {
  private static final WeightTensor HALF =
      Buffers.bits("b.half", WeightType.BF16, List.of(3L), 0x3F80, 0x4000, 0x4040);
  private static final WeightTensor SINGLE = Buffers.f32("z.single", List.of(2L, 1L), 1.5f, -2.25f);

  @TempDir Path folder;

  @Test
  void whatIsWrittenIsReadBack() {
    Path file = folder.resolve("state.safetensors");
    SafetensorsWriter.write(file, Map.of("step", "12"), List.of(HALF, SINGLE));
    SafetensorsFile read = SafetensorsFile.open(file);
    assertEquals(Map.of("step", "12"), read.metadata());
    assertEquals(List.of("z.single", "b.half"), read.names());
    for (WeightTensor tensor : List.of(HALF, SINGLE)) {
      WeightTensor same = read.tensor(tensor.name());
      assertEquals(tensor.type(), same.type());
      assertArrayEquals(tensor.shape(), same.shape());
      assertArrayEquals(Buffers.bytes(tensor), Buffers.bytes(same));
    }
  }

  /** The format, byte by byte. */
  @Test
  void theFileIsWhatTheFormatSays() throws IOException {
    Path file = folder.resolve("one.safetensors");
    SafetensorsWriter.write(file, Map.of(), List.of(HALF));
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    byte[] header = new byte[(int) bytes.getLong()];
    bytes.get(header);
    assertEquals(0, header.length % 8);
    assertEquals(
        "{\"b.half\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[0,6]}}",
        new String(header, StandardCharsets.UTF_8).strip());
    assertEquals(6, bytes.remaining());
    assertEquals(0x3F80, bytes.getShort());
  }

  @Test
  void thePublicLayoutIsRead() {
    SafetensorsFile demo = SafetensorsFile.open(Repository.demo().resolve("model.safetensors"));
    WeightTensor head = demo.tensor("lm_head.weight");
    assertEquals(WeightType.BF16, head.type());
    assertEquals(head.shape()[0] * head.shape()[1] * 2, head.data().remaining());
  }

  @Test
  void twoOfOneNameAreRefused() {
    Path file = folder.resolve("twice.safetensors");
    assertThrows(
        IllegalArgumentException.class,
        () -> SafetensorsWriter.write(file, Map.of(), List.of(HALF, HALF)));
    assertTrue(Files.notExists(file));
  }

  @Test
  void aPlaceThatCannotBeWrittenIsNamed() throws IOException {
    Path file = folder.resolve("no/state.safetensors");
    OutputException e =
        assertThrows(
            OutputException.class, () -> SafetensorsWriter.write(file, Map.of(), List.of(HALF)));
    assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(0, left.count());
    }
  }

  @Test
  void aDamagedFileIsRefused() throws IOException {
    Path file = folder.resolve("state.safetensors");
    SafetensorsWriter.write(file, Map.of(), List.of(HALF, SINGLE));
    byte[] whole = Files.readAllBytes(file);
    for (int length : new int[] {0, 7, 20, whole.length - 1}) {
      Files.write(file, Arrays.copyOf(whole, length));
      CheckpointFileException e =
          assertThrows(CheckpointFileException.class, () -> SafetensorsFile.open(file));
      assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
    }
    Path nothing = folder.resolve("nothing.safetensors");
    assertThrows(CheckpointFileException.class, () -> SafetensorsFile.open(nothing));
  }
}
