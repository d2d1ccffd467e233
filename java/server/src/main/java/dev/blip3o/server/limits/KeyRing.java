package dev.blip3o.server.limits;

import dev.blip3o.InvalidRequestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys of a file as it is now: when it has changed it is read again, at the next request, at
 * most once a second. A changed file that can't be read, or is not as it should be, leaves the keys
 * as they were, and the log says so once.
 *
 * <p>Threads: safe for use by any thread.
 */
public final class KeyRing {
  private static final Logger LOG = LoggerFactory.getLogger("dev.blip3o.server");
  private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Path file;
  private final LongSupplier nanoTime;
  private ApiKeys keys;
  private Optional<Stamp> stamp;
  private long lookedNanos;

  /**
   * What changes when a file does; its key too, since files are replaced by others of their age.
   */
  private record Stamp(FileTime modified, long size, String key) {}

  /**
   * The keys of a file.
   *
   * @throws InvalidRequestException as {@link ApiKeys#read} throws it
   */
  public KeyRing(Path file) {
    this(file, System::nanoTime);
  }

  KeyRing(Path file, LongSupplier nanoTime) {
    this.file = file;
    this.nanoTime = nanoTime;
    // Before it is read: what is written meanwhile is noticed later.
    this.stamp = stamp(file);
    this.keys = ApiKeys.read(file);
    this.lookedNanos = nanoTime.getAsLong();
  }

  /**
   * Whose key a request carries.
   *
   * @param authorization the value of its Authorization header, or null
   * @return the key's name, or empty if there is no such key
   */
  public Optional<String> owner(String authorization) {
    return current().owner(authorization);
  }

  private synchronized ApiKeys current() {
    long now = nanoTime.getAsLong();
    if (now - lookedNanos >= INTERVAL_NANOS) {
      lookedNanos = now;
      readIfChanged();
    }
    return keys;
  }

  private void readIfChanged() {
    Optional<Stamp> found = stamp(file);
    if (found.equals(stamp)) {
      return;
    }
    stamp = found;
    try {
      keys = ApiKeys.read(file, "the keys file");
      LOG.info("the keys file has changed: {} are known now", keys);
    } catch (InvalidRequestException e) {
      LOG.error("the keys file has changed, but the keys stay as they were: {}", e.getMessage());
    }
  }

  private static Optional<Stamp> stamp(Path file) {
    try {
      BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
      String key = Objects.toString(found.fileKey());
      return Optional.of(new Stamp(found.lastModifiedTime(), found.size(), key));
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
