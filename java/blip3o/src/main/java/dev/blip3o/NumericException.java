package dev.blip3o;

/**
 * NaN or infinity in a stage. The message names the stage and, where one is the cause, the weight
 * and its file.
 */
public final class NumericException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public NumericException(String message) {
    super(message);
  }

  /** Creates it with one sentence and its cause. */
  public NumericException(String message, Throwable cause) {
    super(message, cause);
  }
}
