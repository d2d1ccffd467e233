package dev.blip3o.training.rollouts;

import dev.blip3o.GeneratedImage;
import dev.blip3o.LogProbabilities;
import dev.blip3o.PromptIds;
import dev.blip3o.training.learner.DrawnSequence;
import dev.blip3o.training.prompts.TrainingPrompt;
import dev.blip3o.training.rewards.GroupScores;
import java.util.List;
import java.util.Objects;

/**
 * The pictures of one prompt, drawn by one version of the language model.
 *
 * @param prompt what they show
 * @param ids the same, as the model reads it
 * @param pictures each with the log-probabilities of its tokens
 * @param scores what the reward says
 */
public record RolloutGroup(
    TrainingPrompt prompt, PromptIds ids, List<GeneratedImage> pictures, GroupScores scores) {
  /** Copies the list. */
  public RolloutGroup {
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(ids, "ids");
    Objects.requireNonNull(scores, "scores");
    pictures = List.copyOf(pictures);
  }

  /**
   * A picture as the learner sees it.
   *
   * @param index which one, from 0
   * @param advantage how much better it is than the group
   */
  public DrawnSequence sequence(int index, double advantage) {
    GeneratedImage picture = pictures.get(index);
    LogProbabilities drawn = picture.logProbabilities().orElseThrow();
    float[] values = new float[drawn.tokens()];
    for (int i = 0; i < values.length; i++) {
      values[i] = drawn.drawn(i);
    }
    return new DrawnSequence(ids, picture.tokens(), values, advantage);
  }
}
