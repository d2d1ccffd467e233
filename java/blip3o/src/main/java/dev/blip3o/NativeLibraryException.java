package dev.blip3o;

/** The native library is missing on the class path, or this machine can't load it. */
public final class NativeLibraryException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public NativeLibraryException(String message) {
    super(message);
  }

  /** Creates it with one sentence and its cause. */
  public NativeLibraryException(String message, Throwable cause) {
    super(message, cause);
  }
}
