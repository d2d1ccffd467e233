package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
  @TempDir Path folder;

  static Safetensors.Tensor f32(String name, float[] values, Long... shape) {
    ByteBuffer data =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(values);
    return new Safetensors.Tensor(name, Safetensors.Dtype.F32, List.of(shape), data);
  }

  static Safetensors.Tensor noise(long channels, long height, long width) {
    return f32("noise", new float[(int) (channels * height * width)], channels, height, width);
  }

  static byte[] file(Safetensors.Tensor... tensors) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Safetensors.write(out, List.of(tensors));
    return out.toByteArray();
  }

  private static byte[] file(String header, int dataBytes) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  private Safetensors read(byte[] bytes) throws IOException {
    return Safetensors.read(Files.write(folder.resolve("a.safetensors"), bytes));
  }

  private void assertMalformed(byte[] bytes, String part) {
    SafetensorsException e = assertThrows(SafetensorsException.class, () -> read(bytes));
    assertTrue(e.getMessage().contains("a.safetensors: "), e.getMessage());
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    ByteBuffer ids = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    ids.putLong(0, 7).putLong(8, -1).putLong(16, Long.MAX_VALUE);
    byte[] pixels = {0, 1, (byte) 255};
    byte[] bytes =
        file(
            new Safetensors.Tensor(
                "pixels", Safetensors.Dtype.U8, List.of(1L, 1L, 3L), ByteBuffer.wrap(pixels)),
            f32("äpfel \"x\"", new float[] {1.5f, -0f, Float.NaN, Float.MIN_VALUE}, 2L, 2L),
            new Safetensors.Tensor("ids", Safetensors.Dtype.I64, List.of(3L), ids),
            f32("nothing", new float[0], 0L, 5L),
            f32("one", new float[] {3}));
    Safetensors read = read(bytes);

    assertEquals(
        List.of("ids", "nothing", "one", "äpfel \"x\"", "pixels"), List.copyOf(read.names()));
    assertArrayEquals(new long[] {7, -1, Long.MAX_VALUE}, read.tensor("ids").orElseThrow().longs());
    Safetensors.Tensor floats = read.f32("äpfel \"x\"", 2);
    assertEquals(List.of(2L, 2L), floats.shape());
    assertArrayEquals(new float[] {1.5f, -0f, Float.NaN, Float.MIN_VALUE}, floats.floats());
    assertEquals(ByteBuffer.wrap(pixels), read.tensor("pixels").orElseThrow().data());
    assertEquals(0, read.f32("nothing", 2).floats().length);
    assertArrayEquals(new float[] {3}, read.f32("one", 0).floats());
  }

  @Test
  void theFirstTensorIsAligned() throws IOException {
    for (int length = 1; length <= 9; length++) {
      byte[] bytes = file(f32("x".repeat(length), new float[1], 1L));
      assertEquals(0, ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong() % 8);
    }
  }

  @Test
  void namesAndSizesAreCheckedWhenWriting() {
    Safetensors.Tensor tensor = f32("a", new float[1], 1L);
    assertThrows(IllegalArgumentException.class, () -> file(tensor, tensor));
    assertThrows(IllegalArgumentException.class, () -> f32("a", new float[3], 2L, 2L));
  }

  @Test
  void dtypeAndRankAreChecked() throws IOException {
    Safetensors read = read(file(noise(1, 2, 2)));
    assertThrows(SafetensorsException.class, () -> read.f32("noise", 4));
    assertThrows(SafetensorsException.class, () -> read.f32("other", 3));
    Safetensors bytes =
        read(file("{\"noise\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4));
    SafetensorsException e = assertThrows(SafetensorsException.class, () -> bytes.f32("noise", 1));
    assertTrue(e.getMessage().endsWith("tensor 'noise' must be F32, but is BF16"), e.getMessage());
  }

  @Test
  void metadataIsAllowed() throws IOException {
    String header =
        "{\"__metadata__\":{\"format\":\"pt\"},"
            + "\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}   ";
    assertEquals(List.of("a"), List.copyOf(read(file(header, 2)).names()));
  }

  @Test
  void everyCutIsNoticed() throws IOException {
    byte[] bytes = file(noise(2, 2, 2), f32("b", new float[] {1, 2}, 2L));
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThrows(SafetensorsException.class, () -> read(cut), "cut at " + length);
    }
    byte[] longer = Arrays.copyOf(bytes, bytes.length + 1);
    assertMalformed(longer, "the tensors end at byte 40 of the data, but the file has 41");
  }

  @Test
  void theLengthOfTheHeaderIsNotTrusted() {
    assertMalformed(new byte[7], "expected 8 bytes with the header's length, but the file has 7");
    byte[] huge = new byte[16];
    Arrays.fill(huge, 0, 8, (byte) 0xFF);
    assertMalformed(huge, "is said to have 18446744073709551615 bytes, but only 8 follow");
  }

  @Test
  void theHeaderIsUtf8() {
    byte[] bytes = file("{\"?\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2);
    bytes[10] = (byte) 0xFF;
    assertMalformed(bytes, "no UTF-8");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[]|must be a JSON object, but is ARRAY",
        "{\"a\":|the header is no JSON",
        "{} x|the header is no JSON",
        "{\"a\":1}|tensor 'a' must have the fields data_offsets, dtype and shape, but has []",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}|but has [dtype, shape]",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"x\":1}}|shape, x]",
        "{\"a\":{\"dtype\":\"U9\",\"shape\":[4],\"data_offsets\":[0,4]}}|unknown dtype \"U9\"",
        "{\"a\":{\"dtype\":8,\"shape\":[4],\"data_offsets\":[0,4]}}|unknown dtype 8",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":4,\"data_offsets\":[0,4]}}|shape must be whole numbers",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[-4],\"data_offsets\":[0,4]}}|but is [-4]",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4.0],\"data_offsets\":[0,4]}}|but is [4.0]",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}|whole",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0]}}|a begin and an end",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,0]}}|a begin and an end",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4,8]}}|a begin and an end",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,4]}}|needs 16 bytes, but",
        "{\"a\":{\"dtype\":\"I64\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}|large",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[1,4]}}|must begin at byte 0",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]}}|the file has only 4",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}|end at byte 3 of the data",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
            + "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}|begin at byte 4",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
            + "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}|Duplicate field 'a'",
        "{\"__metadata__\":{\"a\":1}}|__metadata__ must be an object of strings",
        "{\"__metadata__\":[]}|__metadata__ must be an object of strings"
      })
  void headersThatLieAreRefused(String header, String part) {
    assertMalformed(file(header, 4), part);
  }

  @Test
  void placesWithoutAFileAreNamed() {
    SafetensorsException missing =
        assertThrows(SafetensorsException.class, () -> Safetensors.read(folder.resolve("none")));
    assertTrue(missing.getMessage().endsWith("none: there is no such file"), missing.getMessage());
    SafetensorsException directory =
        assertThrows(SafetensorsException.class, () -> Safetensors.read(folder));
    assertTrue(directory.getMessage().contains("found a directory"), directory.getMessage());
  }
}
