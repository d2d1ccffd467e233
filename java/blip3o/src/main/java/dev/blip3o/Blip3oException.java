package dev.blip3o;

/**
 * What every failure of this library is. The message is one sentence that names the thing, what was
 * expected, what was found and what to do.
 */
public abstract class Blip3oException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** For subclasses: a failure with one sentence. */
  protected Blip3oException(String message) {
    super(message);
  }

  /** For subclasses: a failure with one sentence and its cause. */
  protected Blip3oException(String message, Throwable cause) {
    super(message, cause);
  }
}
