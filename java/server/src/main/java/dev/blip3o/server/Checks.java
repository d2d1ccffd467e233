package dev.blip3o.server;

import dev.blip3o.InvalidRequestException;
import java.net.URI;
import java.time.Duration;

/** Ranges of options. */
final class Checks {
  private Checks() {}

  static int range(String name, int value, int least, int most) {
    return (int) range(name, (long) value, least, most);
  }

  static long range(String name, long value, long least, long most) {
    if (value < least || value > most) {
      throw outOfRange(name, value, least, most);
    }
    return value;
  }

  static Duration range(String name, Duration value, Duration least, Duration most) {
    if (value == null || value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw outOfRange(name, value, least, most);
    }
    return value;
  }

  static String filled(String name, String value) {
    if (value == null || value.isBlank()) {
      throw new InvalidRequestException(name + " must be a name, but is empty");
    }
    return value;
  }

  /** The address without a slash at its end. */
  static URI publicUrl(URI url) {
    boolean web = "http".equals(url.getScheme()) || "https".equals(url.getScheme());
    if (!web || url.getHost() == null || url.getQuery() != null || url.getFragment() != null) {
      throw new InvalidRequestException(
          "publicUrl must be an address such as https://pictures.example.org, but is " + url);
    }
    String text = url.toString();
    return text.endsWith("/") ? URI.create(text.substring(0, text.length() - 1)) : url;
  }

  private static InvalidRequestException outOfRange(
      String name, Object value, Object least, Object most) {
    return new InvalidRequestException(
        name + " must be between " + least + " and " + most + ", but is " + value);
  }
}
