package dev.blip3o.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.PngText;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PngEncoderTest {
  @ParameterizedTest
  @CsvSource({"1,1", "1,13", "13,1", "64,64", "207,101"})
  void anotherReaderSeesTheSamePixels(int width, int height) throws IOException {
    for (byte[] rgb : new byte[][] {noise(width, height), gradient(width, height)}) {
      BufferedImage image =
          ImageIO.read(new ByteArrayInputStream(encode(width, height, rgb, Map.of())));
      assertEquals(width, image.getWidth());
      assertEquals(height, image.getHeight());
      for (int i = 0; i < width * height; i++) {
        int expected =
            (rgb[3 * i] & 0xFF) << 16 | (rgb[3 * i + 1] & 0xFF) << 8 | (rgb[3 * i + 2] & 0xFF);
        assertEquals(expected, image.getRGB(i % width, i / width) & 0xFFFFFF, "pixel " + i);
      }
    }
  }

  @Test
  void filtersMakeSmoothPicturesSmall() throws IOException {
    int size = 256;
    assertTrue(encode(size, size, gradient(size, size), Map.of()).length < size * size * 3 / 20);
  }

  @Test
  void textComesBackInOrder() throws IOException {
    Map<String, String> text = new LinkedHashMap<>();
    text.put("seed", "42");
    text.put("latin", "zwei Äpfel\nund eine Birne");
    text.put("prompt", "🍎 on a  table, 図");
    text.put("empty", "");
    byte[] png = encode(1, 1, new byte[3], text);
    assertEquals(text, PngText.read(png));
    assertEquals(text.keySet().toString(), PngText.read(png).keySet().toString());
  }

  @Test
  void aNulInTextCantEndItsField() throws IOException {
    byte[] png = encode(1, 1, new byte[3], Map.of("prompt", "a\0b"));
    assertEquals(Map.of("prompt", "a\uFFFDb"), PngText.read(png));
  }

  @Test
  void keywordsAreChecked() {
    for (String keyword : new String[] {"", "図", "a\0b", "k".repeat(80)}) {
      assertThrows(
          IllegalArgumentException.class, () -> encode(1, 1, new byte[3], Map.of(keyword, "text")));
    }
  }

  private static byte[] encode(int width, int height, byte[] rgb, Map<String, String> text)
      throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PngEncoder.write(out, width, height, rgb, text);
    return out.toByteArray();
  }

  private static byte[] noise(int width, int height) {
    byte[] rgb = new byte[width * height * 3];
    new Random(1).nextBytes(rgb);
    return rgb;
  }

  private static byte[] gradient(int width, int height) {
    byte[] rgb = new byte[width * height * 3];
    for (int i = 0; i < width * height; i++) {
      rgb[3 * i] = (byte) (i % width);
      rgb[3 * i + 1] = (byte) (i / width);
      rgb[3 * i + 2] = (byte) (i % width + i / width);
    }
    return rgb;
  }
}
