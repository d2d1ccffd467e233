package dev.blip3o;

/** The request did not end before its {@link PictureRequest#deadline deadline}. */
public final class DeadlineExceededException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public DeadlineExceededException(String message) {
    super(message);
  }

  /** Creates it with one sentence and its cause. */
  public DeadlineExceededException(String message, Throwable cause) {
    super(message, cause);
  }
}
