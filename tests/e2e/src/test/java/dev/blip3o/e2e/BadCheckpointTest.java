package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blip3o.Blip3oException;
import dev.blip3o.Blip3oModel;
import dev.blip3o.CheckpointException;
import dev.blip3o.ImageRequest;
import dev.blip3o.ModelOptions;
import dev.blip3o.NumericException;
import dev.blip3o.UnsupportedException;
import dev.blip3o.support.Repository;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a user of the API is told about a checkpoint that is not whole. */
class BadCheckpointTest {
  private static final String TENSOR = "model.layers.2.mlp.down_proj.weight";
  private static final String TRANSFORMER = "diffusion/transformer/config.json";
  private static final String AUTOENCODER = "diffusion/vae/config.json";
  private static final String SCHEDULER = "diffusion/scheduler/scheduler_config.json";
  private static final int BF16_NAN = 0x7FC0;
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir Path folder;
  private Path model;
  private Path weights;

  @BeforeEach
  void copy() {
    model = Repository.copyDemo(folder.resolve("model"));
    weights = model.resolve("model.safetensors");
  }

  @Test
  void aMissingDirectory() {
    Path nowhere = folder.resolve("nowhere");
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> Blip3oModel.open(nowhere).close());
    assertNames(e, nowhere, "expected a checkpoint directory", "found nothing");
  }

  @ParameterizedTest
  @CsvSource({"config.json", TRANSFORMER, AUTOENCODER, SCHEDULER, "tokenizer.json"})
  void aMissingFile(String name) throws IOException {
    Files.delete(model.resolve(name));
    CheckpointException e = assertThrows(CheckpointException.class, this::open);
    assertNames(e, model.resolve(name));
  }

  @Test
  void missingWeights() throws IOException {
    Files.delete(weights);
    assertNames(
        assertThrows(CheckpointException.class, this::open), model, weights.getFileName(), "found");
  }

  @Test
  void aMissingDiffusionDirectory() throws IOException {
    patch("config.json", "diffusion_name_or_path", "\"elsewhere\"");
    assertNames(
        assertThrows(CheckpointException.class, this::open),
        model.resolve("config.json"),
        "diffusion_name_or_path",
        "expected a diffusers directory",
        "found \"elsewhere\"");
  }

  @Test
  void aTruncatedFile() throws IOException {
    resize(-1);
    assertNames(
        assertThrows(CheckpointException.class, this::open),
        weights,
        "data_offsets",
        "expected",
        "found",
        "truncated");
  }

  @Test
  void anOversizedFile() throws IOException {
    long size = Files.size(weights);
    resize(7);
    assertNames(
        assertThrows(CheckpointException.class, this::open),
        weights,
        "file size",
        "expected " + size + " bytes",
        "found " + (size + 7));
  }

  @Test
  void aHeaderLengthThatLies() throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(weights.toFile(), "rw")) {
      ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      file.write(length.putLong(1L << 40).array());
    }
    assertNames(
        assertThrows(CheckpointException.class, this::open),
        weights,
        "header length",
        "expected",
        "found " + (1L << 40));
  }

  @Test
  void overlappingTensors() {
    SafetensorsEditor file = new SafetensorsEditor(weights);
    int begin = file.entry(TENSOR).get("data_offsets").get(0).asInt();
    int end = file.entry(TENSOR).get("data_offsets").get(1).asInt();
    file.entry(TENSOR).putArray("data_offsets").add(begin - 2).add(end - 2);
    file.write();
    assertNames(
        assertThrows(CheckpointException.class, this::open),
        weights,
        "tensor model.layers.2.mlp.",
        "data_offsets",
        "expected data from byte",
        "found");
  }

  @Test
  void aWrongShape() {
    SafetensorsEditor file = new SafetensorsEditor(weights);
    file.entry(TENSOR).putArray("shape").add(384).add(128);
    file.write();
    assertNames(
        assertThrows(CheckpointException.class, this::open),
        weights,
        TENSOR,
        "shape",
        "expected [128, 384]",
        "found [384, 128]");
  }

  @Test
  void aWrongDtype() {
    SafetensorsEditor file = new SafetensorsEditor(weights);
    file.entry(TENSOR).put("dtype", "I16");
    file.write();
    assertNames(
        assertThrows(CheckpointException.class, this::open),
        weights,
        TENSOR,
        "dtype",
        "expected F32, BF16 or F16",
        "found I16");
  }

  @Test
  void aMissingTensor() {
    SafetensorsEditor file = new SafetensorsEditor(weights);
    file.rename(TENSOR, "model.unknown");
    file.write();
    assertNames(
        assertThrows(CheckpointException.class, this::open),
        model,
        TENSOR,
        "expected [128, 384]",
        "found nothing");
  }

  @Test
  void anIndexThatNamesAMissingShard() throws IOException {
    Files.move(weights, model.resolve("model-00001-of-00002.safetensors"));
    Path index = model.resolve("model.safetensors.index.json");
    ObjectNode json = JSON.createObjectNode();
    json.putObject("weight_map").put(TENSOR, "model-00002-of-00002.safetensors");
    Files.writeString(index, json.toString());
    assertNames(
        assertThrows(CheckpointException.class, this::open),
        index,
        "weight_map." + TENSOR,
        "expected a file",
        "found no model-00002-of-00002.safetensors");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "config.json | hidden_act | \"gelu\" | expected \"silu\"",
        "config.json | hidden_size | \"128\" | expected an integer",
        "config.json | hidden_size | -128 | expected an integer from 1",
        "config.json | num_hidden_layers | 2000000000 | expected an integer from 1 to",
        "config.json | num_key_value_heads | 3 | expected a divisor of num_attention_heads, 4",
        "config.json | image_start_token_id | 907 | expected an integer from 0 to 906",
        "generation_config.json | top_p | 2 | expected a number above 0",
        TRANSFORMER + " | qk_norm | \"layer_norm\" | expected \"rms_norm_across_heads\"",
        TRANSFORMER + " | out_channels | 8 | expected in_channels, 16",
        AUTOENCODER + " | decoder_act_fns | \"gelu\" | expected \"silu\" or \"relu\"",
        AUTOENCODER + " | decoder_norm_types | \"batch_norm\" | expected \"rms_norm\"",
        AUTOENCODER + " | scaling_factor | 0 | expected a positive number",
        SCHEDULER + " | shift | \"fast\" | expected a positive number",
      })
  void anInvalidConfigValue(String file, String field, String value, String expected)
      throws IOException {
    patch(file, field, value);
    assertNames(
        assertThrows(CheckpointException.class, this::open),
        model.resolve(file),
        field,
        expected,
        "found " + value);
  }

  @ParameterizedTest
  @CsvSource({
    "config.json, attention_bias, true, expected false",
    "config.json, use_sliding_window, true, expected false",
    TRANSFORMER + ", patch_size, 2, expected 1",
    TRANSFORMER + ", guidance_embeds, true, expected false",
    SCHEDULER + ", use_dynamic_shifting, true, expected false",
  })
  void aConfigValueThatIsNotComputed(String file, String field, String value, String expected)
      throws IOException {
    patch(file, field, value);
    assertNames(
        assertThrows(UnsupportedException.class, this::open),
        model.resolve(file),
        field,
        expected,
        "found " + value);
  }

  /** The checkpoint opens: values are read when they are needed. */
  @ParameterizedTest
  @CsvSource({
    "model.norm.weight, logits",
    "model.diffusion_connector.2.bias, condition",
    "model.sana.proj_out.bias, latents",
    "model.sana_vae.decoder.conv_out.bias, image",
  })
  void aNanWeightIsNamedByTheStageThatShowsIt(String tensor, String stage) {
    spoil(tensor, 2);
    try (Blip3oModel opened = Blip3oModel.open(model)) {
      ImageRequest request = ImageRequest.builder("a red circle").seed(1).steps(2).build();
      NumericException e = assertThrows(NumericException.class, () -> opened.generate(request));
      assertNames(e, weights, stage, "tensor " + tensor, "expected finite values", "nan at [2]");
      NumericException again =
          assertThrows(NumericException.class, () -> opened.generate(request), "still usable");
      assertEquals(e.getMessage(), again.getMessage());
    }
  }

  @Test
  void inspectNamesEveryNanWeight() throws IOException {
    spoil(TENSOR, 384 * 5 + 17);
    spoil("model.sana.proj_out.bias", 0);
    assertTrue(inspect(false).get("complete").asBoolean(), "values are read only when asked for");
    JsonNode report = inspect(true);
    assertFalse(report.get("complete").asBoolean());
    assertEquals(2, report.get("problems").size(), report.get("problems").toString());
    String first = report.get("problems").get(0).asText();
    assertTrue(first.contains(TENSOR) && first.contains("nan at [5, 17]"), first);
    assertTrue(first.contains(weights.toString()), first);
    String second = report.get("problems").get(1).asText();
    assertTrue(second.contains("model.sana.proj_out.bias"), second);
  }

  @Test
  void inspectReportsWhatWouldNotOpen() throws IOException {
    resize(-1);
    JsonNode report = inspect(true);
    assertFalse(report.get("complete").asBoolean());
    String problem = report.get("problems").get(0).asText();
    assertTrue(problem.contains(weights.toString()) && problem.contains("truncated"), problem);
  }

  private void open() {
    Blip3oModel.open(model).close();
  }

  private JsonNode inspect(boolean scanValues) throws IOException {
    return JSON.readTree(Blip3oModel.inspect(model, ModelOptions.defaults(), scanValues));
  }

  private void resize(int bytes) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(weights.toFile(), "rw")) {
      file.setLength(file.length() + bytes);
    }
  }

  private void patch(String name, String field, String value) throws IOException {
    Path file = model.resolve(name);
    ObjectNode json = (ObjectNode) JSON.readTree(Files.readString(file));
    json.set(field, JSON.readTree(value));
    Files.writeString(file, json.toString());
  }

  private void spoil(String tensor, int index) {
    SafetensorsEditor file = new SafetensorsEditor(weights);
    file.putBf16(tensor, index, BF16_NAN);
    file.write();
  }

  /** The message is one line that holds all of these. */
  private static void assertNames(Blip3oException e, Object... words) {
    String message = e.getMessage();
    for (Object word : words) {
      assertTrue(message.contains(word.toString()), word + " is not in: " + message);
    }
    assertEquals(1, message.lines().count(), message);
  }
}
