package dev.blip3o.langchain4j;

import dev.blip3o.GeneratedImage;
import dev.blip3o.InputImage;
import dev.blip3o.InputImageException;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.exception.InvalidRequestException;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Pictures of LangChain4j as the library's and back. */
final class Images {
  /** What stands before the data; the type is not believed, the file itself is looked at. */
  private static final Pattern DATA_URL_HEAD =
      Pattern.compile("data:[^,]*;base64,", Pattern.CASE_INSENSITIVE);

  private static final int RGBA = 4;
  private static final int OPAQUE = 255;

  private Images() {}

  /** A PNG in base64. */
  static Image of(GeneratedImage picture) {
    return Image.builder()
        .base64Data(Base64.getEncoder().encodeToString(picture.png()))
        .mimeType("image/png")
        .build();
  }

  /** The picture to edit. */
  static InputImage picture(Image image) {
    return InputImage.decode(file(image, "picture"));
  }

  /** The mask: what is transparent in LangChain4j's is white in the library's, and may change. */
  static InputImage mask(Image image) {
    InputImage mask = decodeMask(file(image, "mask"));
    if (mask.channels() != RGBA) {
      throw new InvalidRequestException(
          "the mask has no alpha channel, but what is transparent in it may change: give a PNG with"
              + " alpha");
    }
    ByteBuffer rgba = mask.bytes();
    byte[] gray = new byte[mask.width() * mask.height()];
    for (int i = 0; i < gray.length; i++) {
      gray[i] = (byte) (OPAQUE - (rgba.get(i * RGBA + RGBA - 1) & OPAQUE));
    }
    return InputImage.ofGray(mask.width(), mask.height(), gray);
  }

  private static InputImage decodeMask(byte[] file) {
    try {
      return InputImage.decode(file);
    } catch (InputImageException e) {
      throw new InvalidRequestException("the mask can't be used: " + e.getMessage(), e);
    }
  }

  private static byte[] file(Image image, String name) {
    Objects.requireNonNull(image, name);
    try {
      return Base64.getDecoder().decode(base64(image, name));
    } catch (IllegalArgumentException e) {
      throw new InvalidRequestException(
          "the " + name + " is no valid base64: " + e.getMessage() + "; encode the file's bytes",
          e);
    }
  }

  private static String base64(Image image, String name) {
    if (image.base64Data() != null) {
      return image.base64Data();
    }
    String url = image.url() == null ? "" : image.url().toString();
    Matcher head = DATA_URL_HEAD.matcher(url);
    if (head.lookingAt()) {
      return url.substring(head.end());
    }
    throw new InvalidRequestException(
        "the "
            + name
            + " has neither base64 data nor a data: URL in base64, and no other address is fetched:"
            + " read the file and give its bytes in base64");
  }
}
