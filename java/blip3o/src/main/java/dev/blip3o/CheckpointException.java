package dev.blip3o;

/**
 * A checkpoint that can't be used: a file is missing, unreadable or malformed. The message names
 * it.
 */
public final class CheckpointException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public CheckpointException(String message) {
    super(message);
  }

  /** Creates it with one sentence and its cause. */
  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }
}
