package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.nio.ReadOnlyBufferException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class TypedValuesTest {
  @Test
  void valuesAreCopiedInAndReadOnlyOut() {
    float[] values = {1, 2, 3, 4, 5, 6};
    HiddenStates states = HiddenStates.of(2, 3, values);
    values[0] = 9;
    states.toArray()[1] = 9;
    states.shape()[0] = 9;
    assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, states.toArray());
    assertArrayEquals(new int[] {2, 3}, states.shape());
    assertThrows(ReadOnlyBufferException.class, () -> states.values().put(0, 9));
  }

  @Test
  void shapesAreChecked() {
    assertMessage(
        "hidden states of shape [2, 3] needs 6 values, but 5 were given",
        () -> HiddenStates.of(2, 3, new float[5]));
    assertMessage(
        "noise needs positive sizes, but its shape is [1, 0, 2]",
        () -> Noise.of(1, 0, 2, new float[0]));
    assertMessage("latents of shape [2, 2, 2]", () -> Latents.of(2, 2, 2, new float[7]));
    assertMessage(
        "latents of shape [65536, 65536, 1] needs 4294967296 values",
        () -> Latents.of(65536, 65536, 1, new float[0]));
    assertMessage(
        "null condition of shape [1, 3] needs 3 values",
        () -> Condition.of(1, 3, new float[3], new float[2]));
    assertMessage("pixels of shape [2, 2, 3]", () -> Pixels.of(2, 2, new byte[11]));
  }

  @Test
  void valuesMustBeFinite() {
    assertMessage(
        "noise must hold finite values, but value 1 is NaN",
        () -> Noise.of(1, 1, 2, new float[] {0, Float.NaN}));
    assertMessage(
        "null condition must hold finite values, but value 0 is Infinity",
        () -> Condition.of(1, 1, new float[1], new float[] {Float.POSITIVE_INFINITY}));
  }

  @Test
  void promptIdsAreChecked() {
    assertMessage("at least one id", () -> PromptIds.of());
    assertMessage("id 1 is -4", () -> PromptIds.of(0, -4));
  }

  @Test
  void imageTokensAndHiddenStatesBelongTogether() {
    assertMessage(
        "2 image tokens need 3 rows of hidden states, but there are 2",
        () -> ImageTokens.of(new int[2], PromptIds.of(1), HiddenStates.of(2, 1, new float[2]), 0));
  }

  @Test
  void equalityIsOfTypeShapeAndValues() {
    float[] values = {1, 2};
    assertEquals(Noise.of(1, 1, 2, values), Noise.of(1, 1, 2, values));
    assertEquals(Noise.of(1, 1, 2, values).hashCode(), Noise.of(1, 1, 2, values).hashCode());
    assertNotEquals(Noise.of(1, 1, 2, values), Noise.of(1, 2, 1, values));
    assertNotEquals((Object) Noise.of(1, 1, 2, values), Latents.of(1, 1, 2, values));
    assertNotEquals(Condition.of(1, 2, values), Condition.of(1, 2, values, values));
    assertEquals(Condition.of(1, 2, values, values), Condition.of(1, 2, values, values));
    assertNotEquals(Condition.of(1, 1, new float[1]), Condition.of(1, 1, new float[] {-0f}));
    assertEquals(
        Condition.of(1, 2, values, values).hashCode(),
        Condition.of(1, 2, values, values).hashCode());
  }

  @Test
  void pixelsAreRedGreenBlueFromTheTop() {
    Pixels pixels =
        Pixels.of(2, 2, new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, (byte) 255, (byte) 254, 0});
    assertEquals(0x040506, pixels.rgb(1, 0));
    assertEquals(0xFFFE00, pixels.rgb(1, 1));
    assertEquals(0x070809, pixels.toBufferedImage().getRGB(0, 1) & 0xFFFFFF);
    assertThrows(IndexOutOfBoundsException.class, () -> pixels.rgb(2, 0));
  }

  @Test
  void traceTensorsAreLittleEndian() {
    Trace.NamedTensor ids = Trace.NamedTensor.of("input_ids", new int[] {1, 258});
    assertEquals(Trace.Dtype.I64, ids.dtype());
    assertArrayEquals(new long[] {2}, ids.shape());
    assertEquals(2, ids.data().get(8));
    assertEquals(258, ids.data().getLong(8));
    Trace.NamedTensor floats =
        Trace.NamedTensor.of("noise", FloatBuffer.wrap(new float[] {1, 2}), 1, 2);
    assertEquals(2f, floats.data().getFloat(4));
    assertThrows(
        InvalidRequestException.class,
        () -> Trace.NamedTensor.of("noise", FloatBuffer.wrap(new float[] {1, 2}), 1, 3));
  }

  @Test
  void previewsAreCopiedInAndOut() {
    byte[] png = {1, 2, 3};
    PictureEvent.Preview preview = new PictureEvent.Preview(2, 4, 8, 6, png);
    png[0] = 9;
    preview.png()[1] = 9;
    assertArrayEquals(new byte[] {1, 2, 3}, preview.png());
    PictureEvent.Preview equal = new PictureEvent.Preview(2, 4, 8, 6, new byte[] {1, 2, 3});
    assertEquals(preview, equal);
    assertEquals(preview.hashCode(), equal.hashCode());
    assertNotEquals(preview, new PictureEvent.Preview(2, 4, 8, 6, png));
    assertNotEquals(preview, new PictureEvent.Preview(3, 4, 8, 6, new byte[] {1, 2, 3}));
    assertEquals("Preview[2/4, 8x6]", preview.toString());
  }

  private static void assertMessage(String message, Executable executable) {
    String found = assertThrows(InvalidRequestException.class, executable).getMessage();
    assertTrue(found.contains(message), found);
  }
}
