package dev.blip3o.training.checkpoint;

import dev.blip3o.Blip3oException;

/** A checkpoint's file that can't be used: the message names file and tensor, and what is wrong. */
public final class CheckpointFileException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence. */
  public CheckpointFileException(String message) {
    super(message);
  }

  /** Creates it with one sentence and its cause. */
  public CheckpointFileException(String message, Throwable cause) {
    super(message, cause);
  }
}
