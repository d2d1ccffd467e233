package dev.blip3o.service;

import java.util.List;
import java.util.Random;

/** Multipart requests: right ones with parts of any kind, and the same with damaged bytes. */
final class FuzzedMultipart {
  private static final List<String> NAMES =
      List.of(
          "image",
          "image[]",
          "mask",
          "prompt",
          "n",
          "size",
          "seed",
          "steps",
          "stream",
          "response_format",
          "output_format",
          "model",
          "../../x",
          "a\"b",
          "image\"; f",
          "image\"; filename=\"a",
          "\u00e4",
          "");

  private static final List<String> TEXTS =
      List.of("", "1", "-1", "0", "99999999999999999999", "auto", "128x128", "true", "url", "\0");

  private static final List<String> TYPES =
      List.of(
          Multipart.CONTENT_TYPE,
          Multipart.CONTENT_TYPE,
          Multipart.CONTENT_TYPE,
          "multipart/form-data",
          "multipart/form-data; boundary=",
          "multipart/form-data; boundary=other",
          "application/json");

  private FuzzedMultipart() {}

  /** The whole request of HTTP. */
  static byte[] request(Random random) {
    Multipart parts = new Multipart();
    if (random.nextInt(6) > 0) {
      parts.text("prompt", "make the red circle blue").text("steps", 1);
    }
    if (random.nextInt(6) > 0) {
      parts.png("image", picture(random));
    }
    if (random.nextInt(3) == 0) {
      parts.png("mask", picture(random, Drawings.leftHalfMayChange()));
    }
    int more = random.nextInt(3);
    for (int i = 0; i < more; i++) {
      add(random, parts);
    }
    byte[] body = parts.bytes();
    if (random.nextInt(3) == 0) {
      body = Damage.bytes(random, body);
    }
    return Wire.post("/v1/images/edits", pick(random, TYPES), body);
  }

  private static void add(Random random, Multipart parts) {
    String name = pick(random, NAMES);
    if (random.nextBoolean()) {
      parts.text(name, pick(random, TEXTS));
    } else {
      parts.png(name, picture(random));
    }
  }

  private static byte[] picture(Random random) {
    return picture(random, Drawings.redCircle());
  }

  private static byte[] picture(Random random, byte[] file) {
    return random.nextInt(3) == 0 ? Damage.bytes(random, file) : file;
  }

  private static String pick(Random random, List<String> from) {
    return from.get(random.nextInt(from.size()));
  }
}
