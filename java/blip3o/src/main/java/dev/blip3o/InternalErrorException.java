package dev.blip3o;

/** A defect of this library. Please report it with its message. */
public final class InternalErrorException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public InternalErrorException(String message) {
    super(message);
  }

  /** Creates it with one sentence and its cause. */
  public InternalErrorException(String message, Throwable cause) {
    super(message, cause);
  }
}
