package dev.blip3o.training.rollouts;

import java.util.List;

/**
 * A step's groups, and how long they took.
 *
 * @param groups in the order of the prompts
 * @param drawingSeconds until the last picture was there
 * @param scoringSeconds from then until the last score was there
 */
public record Rollout(List<RolloutGroup> groups, double drawingSeconds, double scoringSeconds) {
  /** Copies the list. */
  public Rollout {
    groups = List.copyOf(groups);
  }
}
