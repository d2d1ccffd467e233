package dev.blip3o.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RandomCheckpointTest {
  @TempDir Path folder;

  private static CheckpointSizes sizes(String... args) {
    return CheckpointSizes.from(
        Options.parse(args, CheckpointSizes.OPTIONS, Set.of("separate-lm-head")));
  }

  private static CheckpointSizes small() {
    String options =
        "--text-vocabulary 1024 --codes 64 --hidden 64 --layers 2 --heads 4 --kv-heads 2"
            + " --head-dim 24 --intermediate 96 --image-size 56 --sana-layers 2"
            + " --attention-heads 4 --attention-head-dim 16 --cross-heads 4 --cross-head-dim 16"
            + " --caption 40 --latent-channels 8 --sample-size 4 --decoder-channels 8,16,32"
            + " --decoder-layers 1,1,1 --transformer-stages 1 --decoder-head-dim 8";
    return sizes(options.split(" "));
  }

  @Test
  void publicSizesHoldTheParametersOfThePublicModel() {
    Map<String, Long> elements =
        CheckpointTensors.of(sizes()).stream()
            .collect(
                Collectors.groupingBy(
                    spec -> spec.name().replaceAll("^model\\.(sana|sana_vae)\\..*", "$1"),
                    Collectors.summingLong(CheckpointTensors.Spec::elements)));
    assertEquals(1_604_641_952L, elements.get("sana")); // diffusers' SanaTransformer2DModel
    assertEquals(159_223_171L, elements.get("sana_vae")); // the decoder of its AutoencoderDC
    assertEquals(217_488L * 2048, elements.get("model.embed_tokens.weight"));
    assertFalse(elements.containsKey("lm_head.weight"));
  }

  @Test
  void separateHeadIsWritten() {
    List<CheckpointTensors.Spec> specs = CheckpointTensors.of(sizes("--separate-lm-head"));
    assertTrue(specs.stream().anyMatch(spec -> spec.name().equals("lm_head.weight")));
  }

  @Test
  void equalSeedsGiveEqualBytes() throws IOException {
    for (String name : List.of("a", "b")) {
      RandomCheckpoint.write(folder.resolve(name), small(), 7, Long.MAX_VALUE);
    }
    RandomCheckpoint.write(folder.resolve("c"), small(), 8, Long.MAX_VALUE);
    byte[] a = Files.readAllBytes(folder.resolve("a/model.safetensors"));
    assertArrayEquals(a, Files.readAllBytes(folder.resolve("b/model.safetensors")));
    assertFalse(
        java.util.Arrays.equals(a, Files.readAllBytes(folder.resolve("c/model.safetensors"))));
  }

  @Test
  void valuesHaveTheSizeOfTheirFanIn() {
    CheckpointTensors.Spec spec =
        new CheckpointTensors.Spec("w", CheckpointTensors.Fill.WEIGHT, List.of(400, 100));
    ByteBuffer values = ByteBuffer.allocate(80_000).order(ByteOrder.LITTLE_ENDIAN);
    new RandomValues(1).source(spec, 0).fill(values, 40_000);
    values.flip();
    double sum = 0;
    double squares = 0;
    while (values.hasRemaining()) {
      double v = Float.intBitsToFloat(values.getShort() << 16);
      sum += v;
      squares += v * v;
    }
    assertEquals(0, sum / 40_000, 0.002); // four standard errors of 0.1 / sqrt(40,000)
    assertEquals(0.1, Math.sqrt(squares / 40_000), 0.002);
  }

  @Test
  void shardsHoldEveryTensorOnce() throws IOException {
    Path directory = folder.resolve("shards");
    RandomCheckpoint.write(directory, small(), 0, 100_000);
    String index = Files.readString(directory.resolve("model.safetensors.index.json"));
    long bytes = 0;
    try (var files = Files.list(directory)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".safetensors")).toList()) {
        assertTrue(index.contains(file.getFileName().toString()));
        ByteBuffer head = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        bytes += Files.size(file) - 8 - head.getLong();
      }
    }
    List<CheckpointTensors.Spec> specs = CheckpointTensors.of(small());
    assertEquals(SafetensorsWriter.bytes(specs), bytes);
    specs.forEach(spec -> assertTrue(index.contains('"' + spec.name() + '"'), spec.name()));
  }

  @Test
  void aFolderInUseIsLeftAlone() throws IOException {
    Files.writeString(folder.resolve("precious"), "x");
    IOException e =
        assertThrows(IOException.class, () -> RandomCheckpoint.write(folder, small(), 0, 1));
    assertTrue(e.getMessage().contains("not empty"), e.getMessage());
  }

  @Test
  void sizesThatDoNotFitAreRefused() {
    Options.UsageException e =
        assertThrows(Options.UsageException.class, () -> sizes("--cross-heads", "3"));
    assertTrue(e.getMessage().contains("cross-heads"), e.getMessage());
    assertThrows(Options.UsageException.class, () -> sizes("--hiden", "3"));
    assertThrows(Options.UsageException.class, () -> sizes("--hidden", "three"));
  }

  @Test
  void mergesMakeWordsWhole() {
    BytePairVocabulary vocabulary =
        BytePairVocabulary.train(List.of("red", " red", " circle"), 300);
    assertEquals(300, vocabulary.ids().size());
    assertTrue(vocabulary.ids().containsKey("Ġred"));
    assertTrue(vocabulary.ids().containsKey("Ġcircle"));
    assertEquals(0x0120, BytePairVocabulary.spelling(' ')); // Ġ, as GPT-2 writes a space
    assertEquals(299, vocabulary.ids().values().stream().mapToInt(i -> i).max().orElseThrow());
  }
}
