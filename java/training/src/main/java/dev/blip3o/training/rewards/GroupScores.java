package dev.blip3o.training.rewards;

/** What became of a group's pictures at the reward. */
public sealed interface GroupScores {
  /**
   * All have scores.
   *
   * @param scores one finite number for each picture, in their order
   */
  record Scored(double[] scores) implements GroupScores {
    /** Copies them. */
    public Scored {
      scores = scores.clone();
    }

    @Override
    public double[] scores() {
      return scores.clone();
    }
  }

  /**
   * The reward failed at every try: the group teaches nothing and is left out.
   *
   * @param attempts how often it was tried
   * @param last why the last try failed
   */
  record Dropped(int attempts, RewardException last) implements GroupScores {}
}
