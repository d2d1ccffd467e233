package dev.blip3o.service;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** Requests that are wrong, each in its way. */
final class BadBodies {
  private static final String GENERATIONS = "/v1/images/generations";
  private static final String EDITS = "/v1/images/edits";

  private BadBodies() {}

  /**
   * A request and its answer.
   *
   * @param request the bytes of HTTP
   * @param status the answer's
   */
  record Bad(byte[] request, int status) {}

  static List<Bad> all() {
    return List.of(
        json("{\"prompt\":"),
        json("[]"),
        json("{}"),
        json("{\"prompt\":\"\"}"),
        json("{\"prompt\":\"a red circle\",\"n\":11}"),
        json("{\"prompt\":\"a red circle\",\"size\":\"1024x1024\"}"),
        json("{\"prompt\":\"a red circle\",\"seed\":\"seven\"}"),
        json("{\"prompt\":\"a red circle\",\"sead\":7}"),
        edit(new Multipart().text("prompt", "make the red circle blue")),
        edit(
            new Multipart()
                .text("prompt", "make the red circle blue")
                .png("image", "no picture".getBytes(StandardCharsets.UTF_8))),
        new Bad(Wire.post(EDITS, "multipart/form-data", new byte[] {1, 2, 3}), 400),
        new Bad(
            Wire.post(GENERATIONS, "text/plain", "a red circle".getBytes(StandardCharsets.UTF_8)),
            415));
  }

  private static Bad json(String body) {
    return new Bad(Wire.postJson(GENERATIONS, body), 400);
  }

  private static Bad edit(Multipart body) {
    return new Bad(Wire.post(EDITS, Multipart.CONTENT_TYPE, body.bytes()), 400);
  }
}
