package dev.blip3o;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What a job told, from its first event on, for any number of readers. Of previews only the last is
 * kept: a reader that comes late or is slow misses those before it.
 *
 * <p>Safe for use by any thread; a {@link Reader} belongs to one at a time.
 */
final class EventLog {
  /** Null where a preview was that a later one replaced. */
  private final List<Supplier<? extends PictureEvent>> events = new ArrayList<>();

  private final Set<Runnable> listeners = new LinkedHashSet<>();
  private int lastPreview = -1;
  private boolean ended;
  private Throwable failure;

  /** Adds an event. */
  void add(PictureEvent event) {
    synchronized (this) {
      events.add(() -> event);
    }
    tell();
  }

  /** Adds a preview, which is made when somebody reads it. */
  void addPreview(Supplier<PictureEvent.Preview> preview) {
    synchronized (this) {
      if (lastPreview >= 0) {
        events.set(lastPreview, null);
      }
      lastPreview = events.size();
      events.add(preview);
    }
    tell();
  }

  /** Ends the log, once: well, or with a failure. */
  void end(Optional<? extends Throwable> failure) {
    synchronized (this) {
      this.ended = true;
      this.failure = failure.orElse(null);
    }
    tell();
    synchronized (this) {
      listeners.clear();
    }
  }

  /** Runs {@code listener} after every change from now on; it must be brief. */
  synchronized void listen(Runnable listener) {
    if (!ended) {
      listeners.add(listener);
    }
  }

  /** Undoes {@link #listen}. */
  synchronized void ignore(Runnable listener) {
    listeners.remove(listener);
  }

  /** A reader that begins with the first event. */
  Reader reader() {
    return new Reader();
  }

  /** Without the lock, so that a listener may use the log. */
  private void tell() {
    List<Runnable> told;
    synchronized (this) {
      told = List.copyOf(listeners);
    }
    told.forEach(Runnable::run);
  }

  /** Reads a log from its first event on. */
  final class Reader {
    private int next;

    /** The next event, if there is one yet. */
    Optional<PictureEvent> poll() {
      Supplier<? extends PictureEvent> event;
      synchronized (EventLog.this) {
        skipDropped();
        if (next == events.size()) {
          return Optional.empty();
        }
        event = events.get(next++);
      }
      return Optional.of(event.get());
    }

    /** Whether all events were read and no more will come. */
    boolean atEnd() {
      synchronized (EventLog.this) {
        skipDropped();
        return ended && next == events.size();
      }
    }

    /** The failure with which the log ended, whether or not all before it was read. */
    Optional<Throwable> failure() {
      synchronized (EventLog.this) {
        return Optional.ofNullable(failure);
      }
    }

    private void skipDropped() {
      while (next < events.size() && events.get(next) == null) {
        next++;
      }
    }
  }
}
