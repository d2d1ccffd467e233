package dev.blip3o.service;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;

/** JSON requests: right ones with fields of any value, and the same with damaged bytes. */
final class FuzzedJson {
  private static final List<String> FIELDS =
      List.of(
          "prompt",
          "n",
          "size",
          "seed",
          "steps",
          "guidance_scale",
          "temperature",
          "top_k",
          "top_p",
          "model",
          "user",
          "stream",
          "partial_images",
          "response_format",
          "output_format",
          "output_compression",
          "quality",
          "background",
          "moderation",
          "style",
          "images",
          "mask",
          "input_fidelity",
          "PROMPT",
          "__proto__",
          "");

  private static final List<String> VALUES =
      List.of(
          "null",
          "true",
          "0",
          "-1",
          "1",
          "11",
          "1e400",
          "-0.0",
          "9223372036854775808",
          "0.1",
          "\"\"",
          "\"a red circle\"",
          "\"auto\"",
          "\"128x128\"",
          "\"99999999999x1\"",
          "\"png\"",
          "\"url\"",
          "\"\\u0000\\ud800\"",
          "[]",
          "{}",
          "[[[[[[[[]]]]]]]]",
          "[{\"image_url\":\"http://127.0.0.1:1/\"}]",
          "[{\"image_url\":\"file:///etc/passwd\"}]",
          "[{\"image_url\":\"data:image/png;base64,AAAA\"}]",
          "{\"image_url\":\"data:,\"}");

  private FuzzedJson() {}

  /** The whole request of HTTP. */
  static byte[] request(Random random) {
    boolean edit = random.nextBoolean();
    byte[] body = body(random, edit).getBytes(StandardCharsets.UTF_8);
    if (random.nextInt(3) == 0) {
      body = Damage.bytes(random, body);
    }
    return Wire.post(path(edit), "application/json", body);
  }

  private static String path(boolean edit) {
    return edit ? "/v1/images/edits" : "/v1/images/generations";
  }

  private static String body(Random random, boolean edit) {
    List<String> fields = new ArrayList<>(List.of("\"prompt\":\"a red circle\"", "\"steps\":1"));
    if (edit) {
      String picture = Base64.getEncoder().encodeToString(Drawings.redCircle());
      fields.add("\"images\":[{\"image_url\":\"data:image/png;base64," + picture + "\"}]");
    }
    int more = random.nextInt(3);
    for (int i = 0; i < more; i++) {
      fields.add("\"" + pick(random, FIELDS) + "\":" + pick(random, VALUES));
    }
    if (random.nextInt(4) == 0) {
      fields.remove(random.nextInt(fields.size()));
    }
    return "{" + String.join(",", fields) + "}";
  }

  private static String pick(Random random, List<String> from) {
    return from.get(random.nextInt(from.size()));
  }
}
