package dev.blip3o.server.pictures;

import java.util.Locale;
import java.util.Optional;

/** A format that pictures are sent in. */
public enum PictureFormat {
  /** Lossless, and with the settings of the picture in it. */
  PNG,
  /** Lossy; every value of {@code output_compression}. */
  JPEG,
  /** Lossy; every value of {@code output_compression}. */
  WEBP;

  /** The name in requests and answers, for example {@code jpeg}. */
  public String wireName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** For example {@code image/jpeg}. */
  public String contentType() {
    return "image/" + wireName();
  }

  /** Whether {@code output_compression} means anything. */
  public boolean lossy() {
    return this != PNG;
  }

  /** The format of a name in a request. */
  public static Optional<PictureFormat> of(String name) {
    for (PictureFormat format : values()) {
      if (format.wireName().equals(name)) {
        return Optional.of(format);
      }
    }
    return Optional.empty();
  }
}
