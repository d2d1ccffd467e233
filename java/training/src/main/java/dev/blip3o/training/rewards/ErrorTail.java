package dev.blip3o.training.rewards;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;

/** Reads a stream to its end, so that its writer never waits, and keeps the last of it. */
final class ErrorTail {
  private static final int KEPT_BYTES = 2000;

  private final InputStream stream;
  private final Thread reader;
  private byte[] tail = new byte[0];

  private ErrorTail(InputStream stream) {
    this.stream = stream;
    this.reader = new Thread(this::read, "blip3o-reward-errors");
    reader.setDaemon(true);
  }

  /** Follows a stream on a thread of its own. */
  static ErrorTail follow(InputStream stream) {
    ErrorTail tail = new ErrorTail(stream);
    tail.reader.start();
    return tail;
  }

  private void read() {
    byte[] buffer = new byte[KEPT_BYTES];
    try (stream) {
      for (int count = stream.read(buffer); count >= 0; count = stream.read(buffer)) {
        keep(buffer, count);
      }
    } catch (IOException e) {
      // The stream was closed under us: the program is gone, what it said is kept.
    }
  }

  private synchronized void keep(byte[] bytes, int count) {
    byte[] both = Arrays.copyOf(tail, tail.length + count);
    System.arraycopy(bytes, 0, both, tail.length, count);
    tail = Arrays.copyOfRange(both, Math.max(0, both.length - KEPT_BYTES), both.length);
  }

  /** The last of the text, on one line, once the stream has ended or {@code wait} is over. */
  String text(Duration wait) {
    try {
      reader.join(wait.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    synchronized (this) {
      return new String(tail, StandardCharsets.UTF_8).strip().replaceAll("\\s+", " ");
    }
  }
}
