package dev.blip3o.training.rewards;

/** Checks of what rewards answer. */
final class Scores {
  private Scores() {}

  /**
   * The scores themselves.
   *
   * @throws RewardContractException unless there are {@code expected} finite ones
   */
  static double[] check(String reward, int expected, double[] scores) {
    if (scores.length != expected) {
      throw new RewardContractException(
          String.format(
              "the reward '%s' must give one score for each picture: expected %d, but found %d",
              reward, expected, scores.length));
    }
    for (int i = 0; i < scores.length; i++) {
      if (!Double.isFinite(scores[i])) {
        throw new RewardContractException(
            String.format(
                "the reward '%s' must give finite scores, but score %d of %d is %s",
                reward, i + 1, expected, scores[i]));
      }
    }
    return scores;
  }
}
