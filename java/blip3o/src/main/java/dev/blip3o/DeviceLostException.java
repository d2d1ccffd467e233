package dev.blip3o;

/**
 * A fault of the device ended all that ran on it. The model takes no more requests and {@link
 * ModelMetrics#healthy} is false: restart the process, within which the device stays lost.
 */
public final class DeviceLostException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public DeviceLostException(String message) {
    super(message);
  }

  /** Creates it with one sentence and its cause. */
  public DeviceLostException(String message, Throwable cause) {
    super(message, cause);
  }
}
