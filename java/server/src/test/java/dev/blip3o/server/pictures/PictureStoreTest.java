package dev.blip3o.server.pictures;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PictureStoreTest {
  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 1);
  private final PictureStore store = new PictureStore(Duration.ofSeconds(10), 100, clock::get);

  private void pass(Duration time) {
    clock.addAndGet(time.toNanos());
  }

  private static StoredPicture picture(int bytes) {
    return new StoredPicture(new byte[bytes], "image/png");
  }

  @Test
  void aPictureIsFetchedByItsAddressUntilItsTimeIsOver() {
    StoredPicture picture = picture(10);
    String id = store.put(picture);
    pass(Duration.ofSeconds(10).minusNanos(1));
    assertSame(picture, store.get(id).orElseThrow());
    pass(Duration.ofNanos(1));
    assertEquals(Optional.empty(), store.get(id));
    assertEquals(0, store.bytes());
    assertEquals(0, store.size());
  }

  @Test
  void memoryComesBackWithoutARequest() {
    store.put(picture(40));
    pass(Duration.ofSeconds(5));
    store.put(picture(30));
    pass(Duration.ofSeconds(5));
    assertEquals(70, store.bytes());
    store.removeExpired();
    assertEquals(30, store.bytes());
    assertEquals(1, store.size());
    store.clear();
    assertEquals(0, store.bytes());
  }

  @Test
  void theOldestGoWhereThereIsNoRoom() {
    String first = store.put(picture(40));
    String second = store.put(picture(40));
    String third = store.put(picture(50));
    assertEquals(Optional.empty(), store.get(first));
    assertTrue(store.get(second).isPresent());
    assertTrue(store.get(third).isPresent());
    String whole = store.put(picture(100));
    assertEquals(1, store.size());
    assertTrue(store.get(whole).isPresent());
  }

  @Test
  void aPictureLargerThanTheStoreIsRefusedAndNothingIsLost() {
    String first = store.put(picture(40));
    PictureTooLargeException refusal =
        assertThrows(PictureTooLargeException.class, () -> store.put(picture(101)));
    assertTrue(refusal.getMessage().contains("101 bytes"), refusal.getMessage());
    assertTrue(refusal.getMessage().contains("b64_json"), refusal.getMessage());
    assertTrue(store.get(first).isPresent());
  }

  @Test
  void addressesAreLongAndNeverRepeat() {
    PictureStore large = new PictureStore(Duration.ofHours(1), 1000);
    Set<String> ids = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      String id = large.put(picture(1));
      assertTrue(id.matches("[A-Za-z0-9_-]{43}"), id);
      assertTrue(ids.add(id), id);
    }
  }
}
