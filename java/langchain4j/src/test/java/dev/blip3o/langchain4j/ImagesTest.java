package dev.blip3o.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.InputImage;
import dev.blip3o.InputImageException;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.exception.InvalidRequestException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pictures from callers, good and bad. */
@Timeout(60)
class ImagesTest {
  private static BufferedImage dots() {
    BufferedImage dots = new BufferedImage(2, 1, BufferedImage.TYPE_INT_RGB);
    dots.setRGB(0, 0, 0x102030);
    return dots;
  }

  @ParameterizedTest
  @ValueSource(strings = {"data:image/png;base64,", "DATA:;BASE64,", "data:image/x;a=b;base64,"})
  void dataUrlsAreRead(String head) {
    Image url = Image.builder().url(head + Pictures.of(dots()).base64Data()).build();
    assertEquals(InputImage.of(dots()), Images.picture(url));
  }

  @Test
  void transparentMayChange() {
    BufferedImage mask = new BufferedImage(3, 1, BufferedImage.TYPE_INT_ARGB);
    mask.setRGB(1, 0, 0xFFFFFFFF);
    mask.setRGB(2, 0, 0x40FFFFFF);
    byte[] white = {(byte) 255, 0, (byte) (255 - 0x40)};
    assertEquals(InputImage.ofGray(3, 1, white), Images.mask(Pictures.of(mask)));
  }

  private static void assertRefused(String reason, Image image) {
    String message =
        assertThrows(InvalidRequestException.class, () -> Images.picture(image)).getMessage();
    assertTrue(message.contains(reason), message);
  }

  @Test
  void otherAddressesAreNotFetched() throws IOException {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String address = "http://127.0.0.1:" + server.getLocalPort() + "/picture.png";
      assertRefused("no other address is fetched", Image.builder().url(address).build());
      server.setSoTimeout(1);
      assertThrows(SocketTimeoutException.class, server::accept, "somebody has connected");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"file:///etc/hostname", "data:image/png,AAAA", "picture.png"})
  void onlyBase64IsRead(String url) {
    assertRefused("neither base64 data nor a data: URL", Image.builder().url(url).build());
  }

  @Test
  void anImageOfNothingIsRefused() {
    assertRefused("neither base64 data nor a data: URL", Image.builder().build());
  }

  @Test
  void badBase64IsRefused() {
    assertRefused("the picture is no valid base64", Image.builder().base64Data("a*b").build());
    assertRefused(
        "the picture is no valid base64",
        Image.builder().url("data:image/png;base64,abc%20d").build());
  }

  @Test
  void whatIsNoPictureIsRefused() {
    Image text = Pictures.of(new byte[] {'t', 'e', 'x', 't'});
    assertThrows(InputImageException.class, () -> Images.picture(text));
    String message =
        assertThrows(InvalidRequestException.class, () -> Images.mask(text)).getMessage();
    assertTrue(message.startsWith("the mask can't be used: "), message);
  }

  @Test
  void aMaskNeedsAlpha() {
    Image opaque = Pictures.of(dots());
    String message =
        assertThrows(InvalidRequestException.class, () -> Images.mask(opaque)).getMessage();
    assertTrue(message.contains("no alpha channel"), message);
    assertThrows(
        InvalidRequestException.class, () -> Images.mask(Image.builder().base64Data("*").build()));
  }
}
