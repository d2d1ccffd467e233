package dev.blip3o;

/** The memory needed is above the limit, or could not be had. The message gives both in bytes. */
public final class InsufficientMemoryException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public InsufficientMemoryException(String message) {
    super(message);
  }

  /** Creates it with one sentence and its cause. */
  public InsufficientMemoryException(String message, Throwable cause) {
    super(message, cause);
  }
}
