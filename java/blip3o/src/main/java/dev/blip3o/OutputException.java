package dev.blip3o;

/** A file that can't be written. Nothing of it was left behind. */
public final class OutputException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public OutputException(String message) {
    super(message);
  }

  /** Creates it with one sentence and its cause. */
  public OutputException(String message, Throwable cause) {
    super(message, cause);
  }
}
