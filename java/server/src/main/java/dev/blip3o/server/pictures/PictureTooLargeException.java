package dev.blip3o.server.pictures;

/** A picture is larger than what holds pictures with addresses. */
public final class PictureTooLargeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence for the client. */
  public PictureTooLargeException(String message) {
    super(message);
  }
}
