package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blip3o.support.Repository;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code inspect} of whole and of damaged checkpoints. */
class CliInspectTest {
  private static final String TENSOR = "model.layers.2.mlp.down_proj.weight";

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "weights/demo",
        "tests/golden/reference/tiny/model",
        "tests/golden/reference/tied/model",
        "tests/golden/reference/table/model"
      })
  void wholeCheckpointsAreComplete(String model) {
    Command command =
        Command.run("inspect", "--check", Repository.root().resolve(model).toString());
    assertEquals(0, command.code(), command.err());
    assertEquals("", command.err());
    assertTrue(command.out().contains("Complete: everything needed is there, and every value"));
  }

  @ParameterizedTest
  @CsvSource({
    "weights/demo, yes",
    "tests/golden/reference/tiny/model, yes",
    "tests/golden/reference/tied/model, no: this checkpoint can't edit pictures"
  })
  void theReportSaysWhetherItEdits(String model, String verdict) {
    Command command = Command.run("inspect", Repository.root().resolve(model).toString());
    String pattern = "(?s).*Pictures as input\\R.*  editing +" + verdict + ".*";
    assertTrue(command.out().matches(pattern), command.out());
  }

  @Test
  void editingNeedsTokensOfTheTokenizer() throws IOException {
    Path model = Repository.copyDemo(folder.resolve("model"));
    Path tokenizer = model.resolve("tokenizer.json");
    String text = Files.readString(tokenizer);
    assertTrue(text.contains("<|vision_start|>"));
    Files.writeString(tokenizer, text.replace("<|vision_start|>", "<|vision_begin|>"));
    Command command = Command.run("inspect", model.toString());
    assertEquals(0, command.code(), command.err());
    String lack = ".*" + Pattern.quote(tokenizer.toString()) + ".*<\\|vision_start\\|>.*";
    assertTrue(command.out().matches("(?s).*\\R  editing +no: " + lack), command.out());
    assertTrue(command.out().contains("  image to image               yes"), command.out());

    Command json = Command.run("inspect", "--json", model.toString());
    JsonNode editing = new JsonMapper().readTree(json.out()).at("/capabilities/editing");
    assertFalse(editing.get("available").asBoolean());
    String picture = Repository.demo().resolve("edits/000.png").toString();
    String out = folder.resolve("a.png").toString();
    Command refused =
        Command.run("edit", "make it red", "-i", picture, "--model=" + model, "-o", out);
    assertEquals(1, refused.code());
    assertTrue(refused.err().contains(editing.get("lacks").asText()), refused.err());
  }

  @Test
  void theReportCountsTheDemo() throws IOException {
    Command command = Command.run("inspect", "--json");
    assertEquals(0, command.code(), command.err());
    JsonNode report = new JsonMapper().readTree(command.out());
    assertTrue(report.get("complete").asBoolean());
    long bytes = 0;
    for (JsonNode part : report.get("parts")) {
      assertTrue(part.get("tensors").asLong() > 0, part.toString());
      assertEquals(part.get("bytes").asLong(), 2 * part.get("parameters").asLong(), "BF16");
      bytes += part.get("bytes").asLong();
    }
    for (JsonNode tensor : report.get("unused")) {
      bytes += tensor.get("bytes").asLong();
    }
    Path weights = Repository.demo().resolve("model.safetensors");
    assertEquals(Files.size(weights) - headerBytes(weights), bytes, "every byte is accounted for");
  }

  @Test
  void aMissingTensorIsNamed() throws IOException {
    Path model = Repository.copyDemo(folder.resolve("model"));
    rename(model.resolve("model.safetensors"), TENSOR, TENSOR.replace("down", "dawn"));
    Command command = Command.run("inspect", model.toString());
    assertEquals(1, command.code());
    assertTrue(command.err().contains(TENSOR), command.err());
    assertEquals(1, command.err().lines().count());
    assertTrue(command.out().contains("Not usable: 1 problem"), command.out());
    assertTrue(command.out().contains(TENSOR.replace("down", "dawn")), "listed as not needed");
  }

  @Test
  void aCutFileIsNamed() throws IOException {
    Path model = Repository.copyDemo(folder.resolve("model"));
    Path weights = model.resolve("model.safetensors");
    try (RandomAccessFile file = new RandomAccessFile(weights.toFile(), "rw")) {
      file.setLength(file.length() - 1);
    }
    Command command = Command.run("inspect", model.toString());
    assertEquals(1, command.code());
    assertTrue(command.err().contains("model.safetensors"), command.err());
  }

  @Test
  void onlyCheckFindsNan() throws IOException {
    Path model = Repository.copyDemo(folder.resolve("model"));
    Path weights = model.resolve("model.safetensors");
    short nan = 0x7FC0;
    writeBf16(weights, TENSOR, nan);
    assertEquals(0, Command.run("inspect", model.toString()).code());

    Command command = Command.run("inspect", "--check", model.toString());
    assertEquals(1, command.code());
    assertTrue(command.err().contains(TENSOR), command.err());
    assertTrue(command.err().contains("model.safetensors"), command.err());
    assertFalse(command.err().contains("\tat "), command.err());
  }

  @Test
  void aPlaceThatIsNoDirectoryIsNamed() {
    Command command = Command.run("inspect", folder.resolve("nowhere").toString());
    assertEquals(1, command.code());
    assertTrue(command.err().contains(folder.resolve("nowhere").toString()), command.err());
    assertEquals("", command.out());
  }

  private static long headerBytes(Path weights) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(weights.toFile(), "r")) {
      return Long.BYTES + Long.reverseBytes(file.readLong());
    }
  }

  private static void rename(Path weights, String from, String to) throws IOException {
    byte[] header = new byte[(int) headerBytes(weights)];
    try (RandomAccessFile file = new RandomAccessFile(weights.toFile(), "rw")) {
      file.readFully(header);
      String text = new String(header, StandardCharsets.ISO_8859_1);
      assertTrue(text.contains(from));
      file.seek(0);
      file.write(text.replace(from, to).getBytes(StandardCharsets.ISO_8859_1));
    }
  }

  /** Writes the tensor's second value. */
  private static void writeBf16(Path weights, String tensor, short bits) throws IOException {
    int headerBytes = (int) headerBytes(weights);
    try (RandomAccessFile file = new RandomAccessFile(weights.toFile(), "rw")) {
      byte[] header = new byte[headerBytes - Long.BYTES];
      file.seek(Long.BYTES);
      file.readFully(header);
      JsonNode entry = new JsonMapper().readTree(header).get(tensor);
      assertEquals("BF16", entry.get("dtype").asText());
      file.seek(headerBytes + entry.get("data_offsets").get(0).asLong() + Short.BYTES);
      file.write(
          ByteBuffer.allocate(Short.BYTES).order(ByteOrder.LITTLE_ENDIAN).putShort(bits).array());
    }
  }
}
