package dev.blip3o.server.limits;

import dev.blip3o.InvalidRequestException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The bearer keys of a server. A file of them has a key in each line, or a name, spaces and a key;
 * empty lines, and what begins with {@code #}, are left out. Names are shown in logs, keys never
 * are; a key without a name is called after its place, for example {@code key-1}.
 *
 * <p>Of a key only its SHA-256 is kept. Every comparison looks at all keys and all bytes, so that
 * its time says nothing about them.
 *
 * <p>Threads: immutable. {@link KeyRing} follows a file that changes.
 */
public final class ApiKeys {
  /** The fewest characters of a key: 16 random ones of base64 are 96 bits. */
  public static final int MIN_LENGTH = 16;

  private static final String SCHEME = "bearer ";

  private final List<Key> keys;

  private record Key(String name, byte[] digest) {}

  private ApiKeys(List<Key> keys) {
    this.keys = keys;
  }

  /**
   * Reads the keys of a file.
   *
   * @throws InvalidRequestException if the file can't be read or holds no key, a key that is too
   *     short, or a name or key twice; no message shows a key
   */
  public static ApiKeys read(Path file) {
    return read(file, "the keys file " + file);
  }

  /** The same; {@code source} is how messages call the file. */
  static ApiKeys read(Path file, String source) {
    return parse(lines(file, source), source);
  }

  /**
   * Parses the lines of a file of keys.
   *
   * @param source how messages call the file
   * @throws InvalidRequestException as {@link #read} throws it
   */
  static ApiKeys parse(List<String> lines, String source) {
    List<Key> keys = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (!line.isEmpty() && !line.startsWith("#")) {
        String place = source + ", line " + (i + 1) + ": ";
        String[] words = line.split("\\s+");
        String key = checked(words, place);
        String name = words.length == 2 ? words[0] : "key-" + (keys.size() + 1);
        once(seen, "name " + name, place + "its name");
        once(seen, "key " + key, place + "this key");
        keys.add(new Key(name, digest(key)));
      }
    }
    if (keys.isEmpty()) {
      throw new InvalidRequestException(
          source + " holds no key: expected one in each line, or a name and a key");
    }
    return new ApiKeys(List.copyOf(keys));
  }

  private static String checked(String[] words, String place) {
    if (words.length > 2) {
      throw new InvalidRequestException(
          place + "expected a key, or a name and a key, but found " + words.length + " words");
    }
    String key = words[words.length - 1];
    if (key.length() < MIN_LENGTH) {
      throw new InvalidRequestException(
          String.format(
              Locale.ROOT,
              "%sa key must have %d characters or more, but this has %d; make one with: openssl"
                  + " rand -base64 32",
              place,
              MIN_LENGTH,
              key.length()));
    }
    return key;
  }

  private static void once(Set<String> seen, String what, String message) {
    if (!seen.add(what)) {
      throw new InvalidRequestException(message + " stands there a second time");
    }
  }

  private static List<String> lines(Path file, String source) {
    try {
      return Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      throw new InvalidRequestException("can't read " + source + ": there is no such file");
    } catch (CharacterCodingException e) {
      throw new InvalidRequestException(source + " is no UTF-8 text");
    } catch (IOException e) {
      throw new InvalidRequestException(
          "can't read " + source + ": " + e.getClass().getSimpleName());
    }
  }

  /**
   * Whose key a request carries.
   *
   * @param authorization the value of its Authorization header, or null
   * @return the key's name, or empty if there is no such key
   */
  public Optional<String> owner(String authorization) {
    return bearer(authorization).map(ApiKeys::digest).flatMap(this::ownerOf);
  }

  private Optional<String> ownerOf(byte[] presented) {
    String owner = null;
    for (Key key : keys) {
      // Never leaves early: see the class.
      owner = MessageDigest.isEqual(key.digest(), presented) ? key.name() : owner;
    }
    return Optional.ofNullable(owner);
  }

  private static Optional<String> bearer(String authorization) {
    if (authorization == null
        || !authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
      return Optional.empty();
    }
    return Optional.of(authorization.substring(SCHEME.length()).strip());
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** How many keys there are; no key. */
  @Override
  public String toString() {
    return "ApiKeys[" + keys.size() + "]";
  }
}
