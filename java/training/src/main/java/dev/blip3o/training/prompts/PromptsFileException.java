package dev.blip3o.training.prompts;

import dev.blip3o.Blip3oException;

/** A prompts file that can't be used: the message names the file, the line and what is wrong. */
public final class PromptsFileException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  PromptsFileException(String message) {
    super(message);
  }

  PromptsFileException(String message, Throwable cause) {
    super(message, cause);
  }
}
