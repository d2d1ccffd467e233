package dev.blip3o.training.resume;

import dev.blip3o.Blip3oException;

/** A checkpoint that training can't go on from: the message names it, and what differs or lacks. */
public final class ResumeException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public ResumeException(String message) {
    super(message);
  }

  ResumeException(String message, Throwable cause) {
    super(message, cause);
  }
}
