package dev.blip3o.training.rewards;

import dev.blip3o.Blip3oException;

/** A reward that failed this time: another try may succeed. */
public final class RewardException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates it with one sentence.
   *
   * @param message names the reward, and what happened
   */
  public RewardException(String message) {
    super(message);
  }

  /**
   * Creates it with one sentence and its cause.
   *
   * @param message names the reward, and what happened
   */
  public RewardException(String message, Throwable cause) {
    super(message, cause);
  }
}
