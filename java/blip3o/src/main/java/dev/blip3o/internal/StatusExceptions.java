package dev.blip3o.internal;

import dev.blip3o.Blip3oException;
import dev.blip3o.CheckpointException;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.InsufficientMemoryException;
import dev.blip3o.InternalErrorException;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.NumericException;
import dev.blip3o.UnsupportedException;

/** The one place that maps native statuses to exceptions. The numbers are {@code blip3o_status}. */
public final class StatusExceptions {
  private StatusExceptions() {}

  /** The exception of a status that is not OK, with the native message. */
  public static Blip3oException of(int status, String message) {
    return switch (status) {
      case 1 -> new InvalidRequestException(message);
      case 2, 3 -> new CheckpointException(message);
      case 4 -> new InsufficientMemoryException(message);
      case 5 -> new NumericException(message);
      case 6 -> new GenerationCancelledException(message);
      case 7 -> new UnsupportedException(message);
      case 8 -> new InternalErrorException(message);
      default -> new InternalErrorException("unknown status " + status + ": " + message);
    };
  }
}
