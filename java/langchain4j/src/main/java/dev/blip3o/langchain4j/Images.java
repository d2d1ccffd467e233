package dev.blip3o.langchain4j;

import dev.blip3o.GeneratedImage;
import dev.blip3o.InputImage;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.exception.InvalidRequestException;
import java.nio.ByteBuffer;
import java.util.Base64;

/** Pictures of LangChain4j as the library's and back. */
final class Images {
  private static final int RGBA = 4;
  private static final int OPAQUE = 255;

  private Images() {}

  static Image of(GeneratedImage picture) {
    return Image.builder()
        .base64Data(Base64.getEncoder().encodeToString(picture.png()))
        .mimeType("image/png")
        .build();
  }

  static InputImage decode(Image image, String name) {
    try {
      return InputImage.decode(Base64.getDecoder().decode(base64(image, name)));
    } catch (IllegalArgumentException e) {
      throw new InvalidRequestException(
          "The " + name + " is not valid base64: give the picture file's bytes in base64", e);
    }
  }

  private static String base64(Image image, String name) {
    if (image.base64Data() != null) {
      return image.base64Data();
    }
    String url = image.url() == null ? "" : image.url().toString();
    int comma = url.indexOf(',');
    if (url.startsWith("data:") && comma > 0 && url.substring(0, comma).endsWith(";base64")) {
      return url.substring(comma + 1);
    }
    throw new InvalidRequestException(
        "The "
            + name
            + " has neither base64 data nor a data: URL in base64. No address is fetched: read the"
            + " picture and give its bytes");
  }

  /** Transparent may change becomes the library's white may change. */
  static InputImage mask(Image image) {
    InputImage mask = decode(image, "mask");
    if (mask.channels() != RGBA) {
      throw new InvalidRequestException(
          "The mask has no alpha channel: give a PNG whose transparent pixels may change");
    }
    ByteBuffer rgba = mask.bytes();
    byte[] gray = new byte[mask.width() * mask.height()];
    for (int i = 0; i < gray.length; i++) {
      gray[i] = (byte) (OPAQUE - (rgba.get(i * RGBA + RGBA - 1) & OPAQUE));
    }
    return InputImage.ofGray(mask.width(), mask.height(), gray);
  }
}
