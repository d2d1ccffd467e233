package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class EventLogTest {
  private final EventLog log = new EventLog();

  static PictureEvent.Preview preview(int step) {
    return new PictureEvent.Preview(step, 9, 1, 1, new byte[] {(byte) step});
  }

  private static List<PictureEvent> all(EventLog.Reader reader) {
    List<PictureEvent> events = new ArrayList<>();
    for (Optional<PictureEvent> event = reader.poll(); event.isPresent(); event = reader.poll()) {
      events.add(event.get());
    }
    return events;
  }

  @Test
  void everyReaderBeginsWithTheFirstEvent() {
    EventLog.Reader early = log.reader();
    assertTrue(early.poll().isEmpty());
    log.add(new PictureEvent.Queued(3));
    log.add(new PictureEvent.Started());
    assertEquals(List.of(new PictureEvent.Queued(3), new PictureEvent.Started()), all(early));
    assertEquals(
        List.of(new PictureEvent.Queued(3), new PictureEvent.Started()), all(log.reader()));
    assertTrue(early.poll().isEmpty());
  }

  @Test
  void theEndIsThereWhenAllWasRead() {
    EventLog.Reader reader = log.reader();
    assertFalse(reader.atEnd());
    log.add(new PictureEvent.Started());
    log.end(Optional.empty());
    assertFalse(reader.atEnd());
    reader.poll();
    assertTrue(reader.atEnd());
    assertTrue(reader.failure().isEmpty());
  }

  @Test
  void aFailureIsKnownBeforeAllWasRead() {
    RuntimeException failure = new RuntimeException("mine");
    EventLog.Reader reader = log.reader();
    log.add(new PictureEvent.Started());
    assertTrue(reader.failure().isEmpty());
    log.end(Optional.of(failure));
    assertSame(failure, reader.failure().orElseThrow());
    assertFalse(reader.atEnd());
  }

  @Test
  void onlyTheLastPreviewIsKept() {
    EventLog.Reader keepsUp = log.reader();
    EventLog.Reader slow = log.reader();
    List<PictureEvent> seen = new ArrayList<>();
    for (int step = 1; step <= 4; step++) {
      int drawn = step;
      log.addPreview(() -> preview(drawn));
      log.add(new PictureEvent.Queued(step));
      seen.addAll(all(keepsUp));
    }
    assertEquals(8, seen.size());
    assertEquals(preview(1), seen.get(0));
    List<PictureEvent> kept = new ArrayList<>();
    for (int step = 1; step <= 3; step++) {
      kept.add(new PictureEvent.Queued(step));
    }
    kept.add(preview(4));
    kept.add(new PictureEvent.Queued(4));
    assertEquals(kept, all(slow));
    assertEquals(kept, all(log.reader()));
  }

  @Test
  void aReaderWhoseRestWasDroppedIsAtTheEnd() {
    EventLog.Reader reader = log.reader();
    log.addPreview(() -> preview(1));
    reader.poll();
    log.addPreview(() -> preview(2));
    log.end(Optional.empty());
    assertFalse(reader.atEnd());
    assertEquals(List.of(preview(2)), all(reader));
    assertTrue(reader.atEnd());
  }

  @Test
  void previewsAreMadeOnlyForThoseWhoRead() {
    AtomicInteger made = new AtomicInteger();
    for (int step = 1; step <= 3; step++) {
      log.addPreview(
          () -> {
            made.incrementAndGet();
            return preview(3);
          });
    }
    assertEquals(0, made.get());
    all(log.reader());
    assertEquals(1, made.get());
  }

  @Test
  void listenersHearOfChangesUntilTheyAreTakenAway() {
    AtomicInteger heard = new AtomicInteger();
    AtomicInteger left = new AtomicInteger();
    Runnable leaves = left::incrementAndGet;
    log.add(new PictureEvent.Started());
    log.listen(heard::incrementAndGet);
    log.listen(leaves);
    log.add(new PictureEvent.Started());
    log.ignore(leaves);
    log.addPreview(() -> preview(1));
    log.end(Optional.empty());
    assertEquals(3, heard.get());
    assertEquals(1, left.get());
  }

  @Test
  void aListenerMayUseTheLog() {
    EventLog.Reader reader = log.reader();
    List<PictureEvent> seen = new ArrayList<>();
    Runnable[] listener = new Runnable[1];
    listener[0] =
        () -> {
          seen.addAll(all(reader));
          log.ignore(listener[0]);
        };
    log.listen(listener[0]);
    log.add(new PictureEvent.Queued(1));
    log.add(new PictureEvent.Queued(2));
    assertEquals(List.of(new PictureEvent.Queued(1)), seen);
  }
}
