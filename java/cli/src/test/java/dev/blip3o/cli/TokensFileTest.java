package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oException;
import dev.blip3o.Pixels;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokensFileTest {
  @TempDir Path folder;

  private Path png(String name, Map<String, String> text) {
    Path file = folder.resolve(name);
    Pixels.of(2, 1, new byte[6]).writePng(file, text);
    return file;
  }

  private Path safetensors(Safetensors.Tensor... tensors) throws IOException {
    return Files.write(folder.resolve("a.safetensors"), SafetensorsTest.file(tensors));
  }

  private static Safetensors.Tensor i64(String name, List<Long> shape, long... values) {
    ByteBuffer data =
        ByteBuffer.allocate(values.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    data.asLongBuffer().put(values);
    return new Safetensors.Tensor(name, Safetensors.Dtype.I64, shape, data);
  }

  private static void assertRefused(Path file, String part) {
    RuntimeException e = assertThrows(RuntimeException.class, () -> TokensFile.read(file));
    assertTrue(e instanceof CliException || e instanceof Blip3oException, e.toString());
    assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }

  @Test
  void aPngHasThemAsText() {
    Path file = png("a.png", Map.of("prompt", "a cross", "tokens", "7,0,511"));
    assertArrayEquals(new int[] {7, 0, 511}, TokensFile.read(file));
  }

  @Test
  void theNameOfTheFileDoesNotMatter() throws IOException {
    Path file = Files.move(png("a.png", Map.of("tokens", "7,8")), folder.resolve("a.safetensors"));
    assertArrayEquals(new int[] {7, 8}, TokensFile.read(file));
  }

  @Test
  void safetensorsHoldThemAsATensor() throws IOException {
    Path file =
        safetensors(i64("tokens", List.of(3L), 7, 0, 511), i64("input_ids", List.of(1L), 1));
    assertArrayEquals(new int[] {7, 0, 511}, TokensFile.read(file));
  }

  @Test
  void aPngOfSomebodyElseIsRefused() {
    assertRefused(png("a.png", Map.of("prompt", "a cross")), "holds no text 'tokens'");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "1,,2", "1, 2", "1;2", "one", "1,2,", "99999999999999999999"})
  void wordsAreNoTokens(String text) {
    assertRefused(png("a.png", Map.of("tokens", text)), "must be numbers with commas between");
  }

  @Test
  void numbersThatNoTokenHasAreRefused() throws IOException {
    assertRefused(png("a.png", Map.of("tokens", "1,2147483648")), "no image token");
    assertRefused(safetensors(i64("tokens", List.of(1L), 1L << 40)), "no image token");
  }

  @Test
  void otherTensorsAreRefused() throws IOException {
    assertRefused(safetensors(i64("ids", List.of(1L), 1)), "no tensor 'tokens'");
    assertRefused(safetensors(i64("tokens", List.of(1L, 1L), 1)), "must have 1 axis");
    assertRefused(
        safetensors(SafetensorsTest.f32("tokens", new float[1], 1L)), "must be I64, but is F32");
  }

  @Test
  void otherFilesAreRefused() throws IOException {
    assertRefused(folder.resolve("missing.png"), "there is no such file");
    assertRefused(folder, "it is a directory");
    String neither = "is neither a PNG that blip3o wrote nor a safetensors file";
    assertRefused(Files.createFile(folder.resolve("empty")), neither);
    byte[] jpeg = {(byte) 0xFF, (byte) 0xD8, (byte) 0xFF, (byte) 0xE0, 0, 16, 'J', 'F', 'I', 'F'};
    assertRefused(Files.write(folder.resolve("a.jpg"), jpeg), neither);
    byte[] whole = Files.readAllBytes(png("a.png", Map.of("tokens", "1,2,3")));
    Path cut = folder.resolve("cut.png");
    Files.write(cut, Arrays.copyOf(whole, whole.length - 20));
    assertRefused(cut, "ends before");
    String text = "P6 2 1 255 not a PNG at all";
    assertRefused(
        Files.writeString(folder.resolve("a.ppm"), text, StandardCharsets.US_ASCII), neither);
    byte[] tensors = Files.readAllBytes(safetensors(i64("tokens", List.of(1L), 1)));
    Path half = folder.resolve("half.safetensors");
    assertRefused(Files.write(half, Arrays.copyOf(tensors, 20)), "the file is cut off");
  }
}
