package dev.blip3o.service;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** A body of the type multipart/form-data. */
final class Multipart {
  private static final String BOUNDARY = "a-boundary-of-the-tests";

  /** The header Content-Type of the body. */
  static final String CONTENT_TYPE = "multipart/form-data; boundary=" + BOUNDARY;

  private final ByteArrayOutputStream body = new ByteArrayOutputStream();

  Multipart text(String name, Object value) {
    part("Content-Disposition: form-data; name=\"" + name + "\"");
    body.writeBytes(value.toString().getBytes(StandardCharsets.UTF_8));
    return end();
  }

  Multipart png(String name, byte[] file) {
    part(
        "Content-Disposition: form-data; name=\""
            + name
            + "\"; filename=\"picture.png\"\r\nContent-Type: image/png");
    body.writeBytes(file);
    return end();
  }

  private void part(String headers) {
    body.writeBytes(
        ("--" + BOUNDARY + "\r\n" + headers + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
  }

  private Multipart end() {
    body.writeBytes("\r\n".getBytes(StandardCharsets.UTF_8));
    return this;
  }

  byte[] bytes() {
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    whole.writeBytes(body.toByteArray());
    whole.writeBytes(("--" + BOUNDARY + "--\r\n").getBytes(StandardCharsets.UTF_8));
    return whole.toByteArray();
  }
}
