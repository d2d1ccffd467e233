package dev.blip3o.spring;

import dev.blip3o.Blip3oException;
import java.nio.file.Path;

/** The model of {@code blip3o.model} can't be opened. */
final class ModelNotOpenedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Blip3oException reason;

  ModelNotOpenedException(Path directory, Blip3oException reason) {
    super(
        "the model in "
            + directory.toAbsolutePath().normalize()
            + " (blip3o.model) can't be opened: "
            + reason.getMessage(),
        reason);
    this.reason = reason;
  }

  /** Why. */
  Blip3oException reason() {
    return reason;
  }
}
