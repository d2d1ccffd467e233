package dev.blip3o;

/** Valid, but not what this build or this checkpoint can do. */
public final class UnsupportedException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public UnsupportedException(String message) {
    super(message);
  }

  /** Creates it with one sentence and its cause. */
  public UnsupportedException(String message, Throwable cause) {
    super(message, cause);
  }
}
