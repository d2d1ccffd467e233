package dev.blip3o.training.run;

import dev.blip3o.training.prompts.TrainingPrompt;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Which prompts a step draws: all of them in an order drawn by lot, then all in another one, and so
 * on. A step's prompts depend on its number alone.
 */
public final class PromptSchedule {
  private final List<TrainingPrompt> prompts;
  private final int perStep;
  private final Seeds seeds;

  /**
   * A schedule.
   *
   * @param prompts at least one
   * @param perStep how many a step draws, 1 or more; where there are fewer, some come twice
   */
  public PromptSchedule(List<TrainingPrompt> prompts, int perStep, Seeds seeds) {
    this.prompts = List.copyOf(prompts);
    this.perStep = perStep;
    this.seeds = seeds;
  }

  /**
   * The prompts of a step.
   *
   * @param step from 1
   */
  public List<TrainingPrompt> step(int step) {
    List<TrainingPrompt> chosen = new ArrayList<>();
    long first = (long) (step - 1) * perStep;
    int round = -1;
    List<TrainingPrompt> order = List.of();
    for (long place = first; place < first + perStep; place++) {
      int of = Math.toIntExact(place / prompts.size());
      if (of != round) {
        round = of;
        order = order(round);
      }
      chosen.add(order.get((int) (place % prompts.size())));
    }
    return chosen;
  }

  private List<TrainingPrompt> order(int round) {
    List<TrainingPrompt> order = new ArrayList<>(prompts);
    Collections.shuffle(order, new Random(seeds.order(round)));
    return order;
  }
}
