package dev.blip3o.spring;

/** The application names no model. */
final class ModelNotNamedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ModelNotNamedException() {
    super("blip3o.model is not set: it must name the directory of a checkpoint");
  }
}
