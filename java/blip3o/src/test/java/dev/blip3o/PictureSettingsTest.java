package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Map;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PictureSettingsTest {
  private static final byte[] END = PictureFiles.chunk("IEND", new byte[0]);
  private static final byte[] HEADER = PictureFiles.header(1, 1, 8, 2);

  @TempDir Path directory;

  @Test
  void whatAPictureCarriesIsReadBack() throws IOException {
    EditRequest request =
        EditRequest.builder("mach ihn blau 🍎", InputImage.ofGray(1, 1, new byte[1]))
            .seed(-1)
            .strength(0.6)
            .build();
    GeneratedImage image = image(request, 7, 0, 65535);
    Path file = directory.resolve("edited.png");
    image.writePng(file);
    assertArrayEquals(Files.readAllBytes(file), image.png());
    Map<String, String> settings = PictureSettings.readPng(file);
    assertEquals(image.settings(), settings);
    assertEquals(new ArrayList<>(image.settings().keySet()), new ArrayList<>(settings.keySet()));
    assertEquals("edit", settings.get("operation"));
    assertEquals("0.6", settings.get("strength"));
    assertEquals("7,0,65535", settings.get("tokens"));
    assertEquals("mach ihn blau 🍎", settings.get("prompt"));
  }

  @Test
  void theSettingsSayWhatThePictureWasMadeFrom() {
    InputImage picture = InputImage.ofRgb(1, 1, new byte[] {1, 2, 3});
    InputImage mask = InputImage.ofGray(1, 1, new byte[] {0});
    Map<String, String> drawn =
        image(
                EditRequest.builder("a", picture, mask)
                    .seed(1)
                    .temperature(0.5)
                    .topK(3)
                    .topP(0.25)
                    .mask(mask)
                    .build(),
                7)
            .settings();
    assertEquals("2", drawn.get("references"));
    assertEquals("039058c6f2c0cb49", drawn.get("initial"));
    assertEquals("6e340b9cffb37a98", drawn.get("mask"));
    assertEquals("0.5", drawn.get("temperature"));
    assertEquals("3", drawn.get("top_k"));
    assertEquals("0.25", drawn.get("top_p"));
    assertFalse(drawn.containsKey("tokens_kept"));
  }

  @Test
  void tokensThatWereKeptWereNotDrawn() {
    ImageRequest request =
        ImageRequest.builder("a").seed(1).temperature(0.5).topK(3).topP(0.25).tokens(7).build();
    Map<String, String> kept = image(request, 7).settings();
    assertEquals(
        Map.of(
            "Software", "blip3o-java",
            "prompt", "a",
            "seed", "1",
            "tokens_kept", "true",
            "tokens", "7"),
        kept);
  }

  private static GeneratedImage image(PictureRequest request, int... tokens) {
    Duration zero = Duration.ZERO;
    return new GeneratedImage(
        Pixels.of(1, 1, new byte[3]),
        request,
        tokens,
        new Timings(zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, 0),
        null,
        0);
  }

  @Test
  void allKindsOfTextAreRead() throws IOException {
    byte[] latin = "käse".getBytes(StandardCharsets.ISO_8859_1);
    byte[] utf8 = "größe 🍎".getBytes(StandardCharsets.UTF_8);
    Path file =
        write(
            HEADER,
            PictureFiles.chunk("tEXt", join("plain\0", latin)),
            PictureFiles.chunk("zTXt", join("deflated\0\0", deflated(latin))),
            PictureFiles.chunk("iTXt", join("long\0\0\0de\0\0", utf8)),
            PictureFiles.chunk("iTXt", join("longdeflated\0\1\0\0title\0", deflated(utf8))),
            PictureFiles.chunk("tEXt", join("huge\0", new byte[(1 << 20) + 1])),
            PictureFiles.chunk("IDAT", new byte[5]),
            PictureFiles.chunk("tEXt", join("late\0", new byte[0])),
            END);
    assertEquals(
        Map.of(
            "plain", "käse",
            "deflated", "käse",
            "long", "größe 🍎",
            "longdeflated", "größe 🍎",
            "late", ""),
        PictureSettings.readPng(file));
  }

  @Test
  void aTextThatInflatesWithoutEndIsCut() throws IOException {
    byte[] bomb = deflated(new byte[1 << 26]);
    Path file = write(HEADER, PictureFiles.chunk("zTXt", join("bomb\0\0", bomb)), END);
    assertEquals(1 << 20, PictureSettings.readPng(file).get("bomb").length());
  }

  @Test
  void whatIsNoWholePngIsNamed() throws IOException {
    Path missing = directory.resolve("none.png");
    assertMessage(missing + ": there is no such file", missing);
    Path text = Files.writeString(directory.resolve("notes.png"), "not a picture");
    assertMessage(text + ": its settings can't be read as those of a PNG: it is no PNG", text);
    assertMessage(directory + " is a directory, but a PNG file is needed", directory);
    byte[] whole =
        PictureFiles.png(HEADER, PictureFiles.chunk("tEXt", join("a\0", new byte[3])), END);
    for (int length = 8; length < whole.length; length++) {
      Path cut = Files.write(directory.resolve("cut.png"), Arrays.copyOf(whole, length));
      assertMessage("it ends before its last chunk does", cut);
    }
    whole[8 + 25 + 9] ^= 1;
    assertMessage(
        "the checksum of its chunk tEXt is wrong",
        Files.write(directory.resolve("flipped.png"), whole));
    assertMessage(
        "a text chunk lacks a field",
        write(HEADER, PictureFiles.chunk("tEXt", new byte[] {'a'}), END));
    assertMessage(
        "unknown compression method",
        write(HEADER, PictureFiles.chunk("zTXt", join("a\0\0", new byte[9])), END));
  }

  private Path write(byte[]... chunks) throws IOException {
    return Files.write(directory.resolve("in.png"), PictureFiles.png(chunks));
  }

  private static byte[] join(String fields, byte[] text) {
    return PictureFiles.join(fields.getBytes(StandardCharsets.ISO_8859_1), text);
  }

  private static byte[] deflated(byte[] data) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DeflaterOutputStream out = new DeflaterOutputStream(bytes)) {
      out.write(data);
    }
    return bytes.toByteArray();
  }

  private static void assertMessage(String message, Path file) {
    String found =
        assertThrows(InputImageException.class, () -> PictureSettings.readPng(file)).getMessage();
    assertTrue(found.contains(message), found);
  }
}
