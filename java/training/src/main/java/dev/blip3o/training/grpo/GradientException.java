package dev.blip3o.training.grpo;

import dev.blip3o.Blip3oException;

/** A gradient that is not finite: the model must not take this step. */
public final class GradientException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  GradientException(String message) {
    super(message);
  }
}
