package dev.blip3o.server.pictures;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Pictures that clients fetch by their addresses, for a while. They are held in memory alone; where
 * there is no room for one more, the oldest go before their time.
 *
 * <p>An address ends in 256 random bits: who was not told it can't guess it.
 *
 * <p>Threads: safe for use by any thread.
 */
public final class PictureStore {
  private static final int ID_BYTES = 32;

  private final Duration timeToLive;
  private final long capacity;
  private final LongSupplier nanoTime;
  private final SecureRandom random = new SecureRandom();

  /** In the order of their arrival, which is that of their ends. */
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  private long held;

  private record Entry(StoredPicture picture, long endNanos) {
    long size() {
      return picture.bytes().length;
    }
  }

  /**
   * An empty store.
   *
   * @param timeToLive how long a picture can be fetched
   * @param capacity bytes of all pictures together
   */
  public PictureStore(Duration timeToLive, long capacity) {
    this(timeToLive, capacity, System::nanoTime);
  }

  PictureStore(Duration timeToLive, long capacity, LongSupplier nanoTime) {
    this.timeToLive = Objects.requireNonNull(timeToLive, "timeToLive");
    this.capacity = capacity;
    this.nanoTime = nanoTime;
  }

  /**
   * Keeps a picture.
   *
   * @return the last part of its address: 43 letters, digits, {@code -} and {@code _}
   * @throws PictureTooLargeException if the picture alone is larger than the store
   */
  public synchronized String put(StoredPicture picture) {
    removeExpired();
    long size = picture.bytes().length;
    if (size > capacity) {
      throw new PictureTooLargeException(
          String.format(
              Locale.ROOT,
              "A picture of %d bytes can't be kept for an address: the store holds %d. Ask for"
                  + " response_format b64_json.",
              size,
              capacity));
    }
    removeOldestUntil(capacity - size);
    String id = newId();
    entries.put(id, new Entry(picture, nanoTime.getAsLong() + timeToLive.toNanos()));
    held += size;
    return id;
  }

  /** The picture, or empty if there is none of this id, or it is there no more. */
  public synchronized Optional<StoredPicture> get(String id) {
    removeExpired();
    return Optional.ofNullable(entries.get(id)).map(Entry::picture);
  }

  /**
   * Gives back the memory of pictures whose time is over. Meant to be called now and then: {@link
   * #get} never returns one of them anyway.
   */
  public synchronized void removeExpired() {
    long now = nanoTime.getAsLong();
    Iterator<Entry> oldest = entries.values().iterator();
    while (oldest.hasNext()) {
      Entry entry = oldest.next();
      if (entry.endNanos() - now > 0) {
        return;
      }
      oldest.remove();
      held -= entry.size();
    }
  }

  /** Forgets all pictures. */
  public synchronized void clear() {
    entries.clear();
    held = 0;
  }

  /** How many pictures are kept. */
  public synchronized int size() {
    return entries.size();
  }

  /** Bytes of all pictures that are kept. */
  public synchronized long bytes() {
    return held;
  }

  private void removeOldestUntil(long most) {
    Iterator<Entry> oldest = entries.values().iterator();
    while (held > most) {
      held -= oldest.next().size();
      oldest.remove();
    }
  }

  private String newId() {
    byte[] bits = new byte[ID_BYTES];
    random.nextBytes(bits);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bits);
  }
}
