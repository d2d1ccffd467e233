package dev.blip3o.server.pictures;

import java.util.Objects;

/**
 * An encoded picture that has an address.
 *
 * @param bytes the file; shared, must not be changed
 * @param contentType for example {@code image/png}
 */
public record StoredPicture(byte[] bytes, String contentType) {
  /** Checks that nothing is null. */
  public StoredPicture {
    Objects.requireNonNull(bytes, "bytes");
    Objects.requireNonNull(contentType, "contentType");
  }
}
