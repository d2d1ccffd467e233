package dev.blip3o.internal;

import dev.blip3o.Blip3oException;
import dev.blip3o.CheckpointException;
import dev.blip3o.DeadlineExceededException;
import dev.blip3o.DeviceLostException;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.InsufficientMemoryException;
import dev.blip3o.InternalErrorException;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.NumericException;
import dev.blip3o.QueueFullException;
import dev.blip3o.UnsupportedException;
import java.time.Duration;

/** The one place that maps native statuses to exceptions. The numbers are {@code blip3o_status}. */
public final class StatusExceptions {
  private StatusExceptions() {}

  /**
   * The exception of a status that is not OK.
   *
   * @param message the native message
   * @param retryAfterMillis of {@code blip3o_error}
   */
  public static Blip3oException of(int status, String message, long retryAfterMillis) {
    return switch (status) {
      case 1 -> new InvalidRequestException(message);
      case 2, 3 -> new CheckpointException(message);
      case 4 -> new InsufficientMemoryException(message);
      case 5 -> new NumericException(message);
      case 6 -> new GenerationCancelledException(message);
      case 7 -> new UnsupportedException(message);
      case 8 -> new InternalErrorException(message);
      case 9 -> new QueueFullException(message, Duration.ofMillis(retryAfterMillis));
      case 10 -> new DeadlineExceededException(message);
      case 11 -> new DeviceLostException(message);
      default -> new InternalErrorException("unknown status " + status + ": " + message);
    };
  }
}
