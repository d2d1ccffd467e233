package dev.blip3o.training.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.blip3o.training.prompts.TrainingPrompt;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PromptScheduleTest {
  private static final List<TrainingPrompt> PROMPTS =
      IntStream.range(0, 10).mapToObj(i -> TrainingPrompt.of("prompt " + i)).toList();

  private static List<TrainingPrompt> first(PromptSchedule schedule, int steps) {
    List<TrainingPrompt> all = new ArrayList<>();
    for (int step = 1; step <= steps; step++) {
      all.addAll(schedule.step(step));
    }
    return all;
  }

  @Test
  void everyRoundHasEachPromptOnceInAnotherOrder() {
    List<TrainingPrompt> drawn = first(new PromptSchedule(PROMPTS, 4, new Seeds(1)), 5);
    List<TrainingPrompt> one = drawn.subList(0, 10);
    List<TrainingPrompt> two = drawn.subList(10, 20);
    assertEquals(Set.copyOf(PROMPTS), new HashSet<>(one));
    assertEquals(Set.copyOf(PROMPTS), new HashSet<>(two));
    assertNotEquals(one, two);
  }

  @Test
  void aStepMayHaveMorePromptsThanThereAre() {
    List<TrainingPrompt> drawn = new PromptSchedule(PROMPTS, 25, new Seeds(1)).step(1);
    assertEquals(25, drawn.size());
    assertEquals(Set.copyOf(PROMPTS), new HashSet<>(drawn.subList(10, 20)));
  }

  @Test
  void theSeedDecides() {
    List<TrainingPrompt> drawn = first(new PromptSchedule(PROMPTS, 5, new Seeds(1)), 4);
    assertEquals(drawn, first(new PromptSchedule(PROMPTS, 5, new Seeds(1)), 4));
    assertNotEquals(drawn, first(new PromptSchedule(PROMPTS, 5, new Seeds(2)), 4));
  }

  @Test
  void noTwoGroupsOfARunHaveOneSeed() {
    Set<Long> seeds = new HashSet<>();
    for (int step = 1; step <= 100; step++) {
      for (int group = 0; group < 16; group++) {
        seeds.add(new Seeds(3).group(step, group));
      }
    }
    assertEquals(1600, seeds.size());
  }
}
