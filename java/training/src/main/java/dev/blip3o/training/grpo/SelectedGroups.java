package dev.blip3o.training.grpo;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The groups of a step that teach something, and how many don't.
 *
 * @param groups those with spread, in their order
 * @param skipped how many have scores, but no spread
 * @param dropped how many have no scores
 * @param meanReward over all groups with scores; NaN where there are none
 * @param meanDeviation mean of their standard deviations; NaN where there are none
 */
public record SelectedGroups(
    List<Group> groups, int skipped, int dropped, double meanReward, double meanDeviation) {
  /** Copies the list. */
  public SelectedGroups {
    groups = List.copyOf(groups);
  }

  /**
   * A group with spread.
   *
   * @param index which group of the step it is, from 0
   * @param advantages one for each picture, in their order
   */
  public record Group(int index, double[] advantages) {
    /** Copies them. */
    public Group {
      advantages = advantages.clone();
    }

    @Override
    public double[] advantages() {
      return advantages.clone();
    }
  }

  /**
   * Selects from a step's groups.
   *
   * @param scores the rewards of each group; empty where the group was dropped
   * @throws IllegalArgumentException if a group's rewards are none or not finite
   */
  public static SelectedGroups of(List<Optional<double[]>> scores) {
    List<Group> groups = new ArrayList<>();
    int scored = 0;
    double rewards = 0;
    double deviations = 0;
    for (int i = 0; i < scores.size(); i++) {
      if (scores.get(i).isEmpty()) {
        continue;
      }
      double[] group = scores.get(i).get();
      scored++;
      rewards += Advantages.mean(group);
      deviations += Advantages.deviation(group);
      int index = i;
      Advantages.of(group).ifPresent(advantages -> groups.add(new Group(index, advantages)));
    }
    return new SelectedGroups(
        groups,
        scored - groups.size(),
        scores.size() - scored,
        rewards / scored,
        deviations / scored);
  }
}
