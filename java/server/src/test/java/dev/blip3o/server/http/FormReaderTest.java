package dev.blip3o.server.http;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.server.openai.ApiException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FormReaderTest {
  private static final String NAMED = "Content-Disposition: form-data; name=\"prompt\"";

  private static Form read(String body) {
    return FormReader.read(body.getBytes(StandardCharsets.UTF_8), "b");
  }

  private static String part(String headers, String content) {
    return "--b\r\n" + headers + "\r\n\r\n" + content + "\r\n";
  }

  private static String refusal(String body) {
    ApiException refused = assertThrows(ApiException.class, () -> read(body));
    assertEquals(400, refused.status());
    return refused.getMessage();
  }

  @Test
  void fieldsAndFilesKeepTheirOrderAndBytes() {
    Form form =
        read(
            "a preamble\r\n"
                + part(NAMED, "\u00e4 star\r\n--no boundary")
                + part("content-disposition:form-data;NAME=n", "2")
                + "--b \t\r\nContent-Type: image/png\r\n"
                + "Content-Disposition: form-data; filename=\"a\\\"; x=\\\\.png\"; name=image\r\n"
                + "Content-Transfer-Encoding: binary\r\n\r\n\0\r\n\1\r\n"
                + part("Content-Disposition: form-data; name=mask; filename*=UTF-8''m", "")
                + "--b--\r\nan epilogue");
    assertEquals(
        List.of(Map.entry("prompt", "\u00e4 star\r\n--no boundary"), Map.entry("n", "2")),
        form.values());
    assertEquals("image", form.files().get(0).name());
    assertArrayEquals(new byte[] {0, '\r', '\n', 1}, form.files().get(0).bytes());
    assertEquals("mask", form.files().get(1).name());
    assertEquals(0, form.files().get(1).bytes().length);
  }

  @Test
  void aTextMayHaveACharsetOfItsOwn() {
    byte[] body =
        (part(NAMED + "\r\nContent-Type: text/plain; charset=ISO-8859-1", "\u00e4") + "--b--")
            .getBytes(StandardCharsets.ISO_8859_1);
    assertEquals(List.of(Map.entry("prompt", "\u00e4")), FormReader.read(body, "b").values());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "--b",
        "--b\r\n",
        "--b\n--b--",
        "--b\r\n--b--",
        "x--b--",
        "--bc--",
        "--b\r\n\r\n"
      })
  void whatIsNoWholeFormIsRefused(String body) {
    assertTrue(refusal(body).contains("form"), refusal(body));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        NAMED + "; f",
        NAMED + "; =f",
        NAMED + "; f=",
        NAMED + "; name=again",
        NAMED + "; filename=\"open",
        NAMED + "; filename=\"a\" b",
        NAMED + "\r\n" + NAMED,
        NAMED + "\r\nno header",
        NAMED + "\r\n folded: line",
        NAMED + "\r\nContent-Type: text/plain; charset=nothing",
        NAMED + "\r\nContent-Type: text/plain; charset=;",
        NAMED + "\r\nContent-Transfer-Encoding: base64",
        "Content-Disposition: form-data",
        "Content-Disposition: attachment; name=prompt",
        "Content-Type: text/plain",
        "Content-Disposition: form-data; name=\"a\0\""
      })
  void aBrokenPartIsNamedByItsNumber(String headers) {
    String message = refusal(part(NAMED, "secret") + part(headers, "x") + "--b--");
    assertTrue(message.startsWith("Part 2 of the form can't be read: "), message);
  }

  @Test
  void aTextThatIsNoneAndTooManyPartsAreRefused() {
    byte[] body = (part(NAMED, "\u00e4") + "--b--").getBytes(StandardCharsets.ISO_8859_1);
    assertThrows(ApiException.class, () -> FormReader.read(body, "b"));
    String message = refusal(part(NAMED, "x").repeat(65) + "--b--");
    assertEquals("The form has more than 64 parts.", message);
    assertTrue(refusal(part(NAMED + "\r\nX: " + "x".repeat(9000), "") + "--b--").contains("long"));
  }

  @Test
  void whateverTheBytesAreItReadsOrRefuses() {
    byte[] whole =
        (part(NAMED + "; filename=\"a\\\"b\"", "x") + part(NAMED, "y") + "--b--\r\n")
            .getBytes(StandardCharsets.UTF_8);
    byte[] telling = "\r\n-b;=\"\\: ".getBytes(StandardCharsets.UTF_8);
    Random random = new Random(42);
    for (int i = 0; i < 20_000; i++) {
      byte[] body = Arrays.copyOf(whole, random.nextInt(whole.length + 1));
      for (int k = random.nextInt(6); k > 0 && body.length > 0; k--) {
        body[random.nextInt(body.length)] = telling[random.nextInt(telling.length)];
      }
      try {
        FormReader.read(body, "b");
      } catch (ApiException e) {
        assertEquals(400, e.status());
      }
    }
  }
}
