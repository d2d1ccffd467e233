package dev.blip3o;

/**
 * A picture from the caller that can't be used: not a picture, truncated, with too many pixels, of
 * zero size, too long for its width, or unreadable. The message names the file where there is one.
 */
public final class InputImageException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public InputImageException(String message) {
    super(message);
  }

  /** Creates it with one sentence and its cause. */
  public InputImageException(String message, Throwable cause) {
    super(message, cause);
  }
}
