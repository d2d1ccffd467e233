package dev.blip3o.training.rewards;

import dev.blip3o.Blip3oException;

/**
 * A reward that can't be trained with as it is: it answers with something else than one finite
 * score a picture, refuses what it is sent, or lacks what it needs. Trying again doesn't help.
 */
public final class RewardContractException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates it with one sentence.
   *
   * @param message names the reward, what was expected and what was found
   */
  public RewardContractException(String message) {
    super(message);
  }

  /**
   * Creates it with one sentence and its cause.
   *
   * @param message names the reward, what was expected and what was found
   */
  public RewardContractException(String message, Throwable cause) {
    super(message, cause);
  }
}
