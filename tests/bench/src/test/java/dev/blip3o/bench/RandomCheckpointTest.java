package dev.blip3o.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.EditRequest;
import dev.blip3o.GeneratedImage;
import dev.blip3o.InputImage;
import dev.blip3o.ModelInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RandomCheckpointTest {
  private static final String PART =
      "^model\\.(sana_vae\\.(?:de|en)coder|sana|vision_tower\\.vision_tower\\.\\w+)";

  @TempDir Path folder;

  private static CheckpointSizes sizes(String... args) {
    return CheckpointSizes.from(
        Options.parse(args, CheckpointSizes.OPTIONS, Set.of("separate-lm-head")));
  }

  private static CheckpointSizes small() {
    String options =
        "--text-vocabulary 1024 --codes 64 --hidden 64 --layers 2 --heads 4 --kv-heads 2 --head-dim"
            + " 24 --intermediate 96 --image-size 56 --vision-hidden 48 --vision-heads 4"
            + " --vision-layers 3 --vision-intermediate 80 --code-width 20 --sana-layers 2"
            + " --attention-heads 4 --attention-head-dim 16 --cross-heads 4 --cross-head-dim 16"
            + " --caption 40 --latent-channels 8 --sample-size 4 --decoder-channels 8,16,32"
            + " --decoder-layers 1,1,1 --encoder-layers 1,2,1 --transformer-stages 1"
            + " --decoder-head-dim 8";
    return sizes(options.split(" "));
  }

  @Test
  void publicSizesHoldTheParametersOfThePublicModel() {
    Map<String, Long> elements =
        CheckpointTensors.of(sizes()).stream()
            .collect(
                Collectors.groupingBy(
                    spec -> spec.name().replaceAll(PART + "\\..*", "$1"),
                    Collectors.summingLong(CheckpointTensors.Spec::elements)));
    assertEquals(1_604_641_952L, elements.get("sana")); // diffusers' SanaTransformer2DModel
    assertEquals(159_223_171L, elements.get("sana_vae.decoder")); // of its AutoencoderDC
    assertEquals(153_027_104L, elements.get("sana_vae.encoder"));
    // transformers' SiglipVisionModel without its head; in_linear, codebook and its projection
    assertEquals(412_987_248L, elements.get("vision_tower.vision_tower.encoder"));
    assertEquals(
        1536L * 1153 + 65_536L * 1536 + 1536L * 1537,
        elements.get("vision_tower.vision_tower.bottleneck"));
    assertEquals(217_488L * 2048, elements.get("model.embed_tokens.weight"));
    assertFalse(elements.containsKey("lm_head.weight"));
  }

  /** Every name and shape of what editing adds, as a checkpoint of the reference's has them. */
  @Test
  void editingTensorsAreTheGoldenOnes() throws IOException {
    String options =
        "--codes 128 --image-size 56 --vision-hidden 48 --vision-heads 4 --vision-layers 3"
            + " --vision-intermediate 96 --code-width 24 --caption 96 --latent-channels 8"
            + " --decoder-channels 8,16,32,32 --decoder-layers 2,1,1,1 --encoder-layers 1,1,1,1"
            + " --transformer-stages 2 --decoder-head-dim 16";
    Pattern editing =
        Pattern.compile("model\\.(sana_vae|vision_tower|und_image_vae_connector)\\..*");
    Pattern unused = Pattern.compile(".*\\.(decode_task_layer|out_linear)\\..*");
    Map<String, List<Integer>> golden =
        shapes(goldenRoot().resolve("tiny/model/model.safetensors"));
    golden
        .keySet()
        .removeIf(name -> !editing.matcher(name).matches() || unused.matcher(name).matches());
    Map<String, List<Integer>> ours =
        CheckpointTensors.of(sizes(options.split(" "))).stream()
            .filter(spec -> editing.matcher(spec.name()).matches())
            .collect(Collectors.toMap(CheckpointTensors.Spec::name, CheckpointTensors.Spec::shape));
    assertTrue(golden.size() > 100, golden.size() + " tensors");
    assertEquals(new TreeMap<>(golden), new TreeMap<>(ours));
  }

  private static Path goldenRoot() {
    return Path.of(System.getProperty("blip3o.root"), "tests/golden/reference");
  }

  /** Name to shape, from the header of a safetensors file. */
  private static Map<String, List<Integer>> shapes(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    byte[] header = new byte[(int) bytes.getLong()];
    bytes.get(header);
    Matcher tensor =
        Pattern.compile("\"([^\"]+)\":\\{\"dtype\":\"\\w+\",\"shape\":\\[([0-9,]+)]")
            .matcher(new String(header, StandardCharsets.UTF_8));
    Map<String, List<Integer>> shapes = new HashMap<>();
    while (tensor.find()) {
      shapes.put(
          tensor.group(1),
          Arrays.stream(tensor.group(2).split(",")).map(Integer::valueOf).toList());
    }
    return shapes;
  }

  @Test
  void picturesAreMadeAndEditedWithIt() throws IOException {
    RandomCheckpoint.write(folder.resolve("model"), small(), 3, Long.MAX_VALUE);
    try (Blip3oModel model = Blip3oModel.open(folder.resolve("model"))) {
      assertTrue(model.capabilities().editing(), model.capabilities().toString());
      ModelInfo info = model.info();
      byte[] rgb = new byte[30 * 20 * 3];
      new SplittableRandom(0).nextBytes(rgb);
      InputImage picture = InputImage.ofRgb(30, 20, rgb);
      GeneratedImage edited =
          model.edit(EditRequest.builder("make it red", picture).steps(2).build());
      assertEquals(info.pictureWidth(), edited.pixels().width());
      int[] tokens = model.stages().referenceTokens(picture);
      assertEquals(info.imageTokens(), tokens.length);
      assertTrue(Arrays.stream(tokens).distinct().count() > 1, "every place has the same token");
      FloatBuffer latents = model.stages().referenceLatents(picture).values();
      double squares = 0;
      int count = latents.remaining();
      while (latents.hasRemaining()) {
        double value = latents.get();
        squares += value * value;
      }
      double size = Math.sqrt(squares / count);
      assertTrue(size > 0.01 && size < 100, "latents of size " + size);
    }
  }

  @Test
  void everyEncoderIsTimed() throws IOException {
    RandomCheckpoint.write(folder.resolve("model"), small(), 3, Long.MAX_VALUE);
    Options options =
        Options.parse(
            new String[] {"--model", folder.resolve("model").toString(), "--part", "encoders"},
            BenchmarkSettings.OPTIONS,
            Set.of());
    try (Blip3oModel model = Blip3oModel.open(folder.resolve("model"))) {
      StageRuns runs = new StageRuns(model, BenchmarkSettings.from(options));
      Map<String, Double> both = runs.run(BenchmarkSettings.Part.ENCODERS);
      assertEquals(Set.of("encode", "siglip", "reference_tokens"), both.keySet());
      assertTrue(both.values().stream().allMatch(seconds -> seconds > 0), both.toString());
      assertEquals(Set.of("encode"), runs.run(BenchmarkSettings.Part.ENCODE).keySet());
      assertEquals(
          Set.of("siglip", "reference_tokens"), runs.run(BenchmarkSettings.Part.SIGLIP).keySet());
    }
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
    assertFalse(Arrays.equals(a, Files.readAllBytes(folder.resolve("c/model.safetensors"))));
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
    assertThrows(Options.UsageException.class, () -> sizes("--vision-heads", "7"));
    assertThrows(Options.UsageException.class, () -> sizes("--encoder-layers", "2,2,2"));
    assertThrows(Options.UsageException.class, () -> sizes("--encoder-layers", "0,2,2,3,3,3"));
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
