package dev.blip3o;

/** A request or an option that can't be served as it is: the caller can mend it. */
public final class InvalidRequestException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public InvalidRequestException(String message) {
    super(message);
  }

  /** Creates it with one sentence and its cause. */
  public InvalidRequestException(String message, Throwable cause) {
    super(message, cause);
  }
}
