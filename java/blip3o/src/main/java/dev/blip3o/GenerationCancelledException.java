package dev.blip3o;

/**
 * The request was cancelled: by its {@link CancellationToken}, by {@link PictureJob#cancel}, by an
 * interrupt, or by closing the model.
 */
public final class GenerationCancelledException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public GenerationCancelledException(String message) {
    super(message);
  }

  /** Creates it with one sentence and its cause. */
  public GenerationCancelledException(String message, Throwable cause) {
    super(message, cause);
  }
}
