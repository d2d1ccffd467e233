package dev.blip3o.training.rewards;

import dev.blip3o.training.prompts.TrainingPrompt;
import dev.blip3o.training.scenes.Caption;
import dev.blip3o.training.scenes.Reading;
import dev.blip3o.training.scenes.SceneCredit;
import dev.blip3o.training.scenes.SceneReader;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The demo's questions: whether shapes, colours, counts, positions and background are those of the
 * sentence. 1 where all of it holds; else what {@link SceneCredit} says, below 1, or 0 where only
 * whole answers count.
 */
public final class ScenesReward implements Reward {
  private final boolean partialCredit;

  private ScenesReward(boolean partialCredit) {
    this.partialCredit = partialCredit;
  }

  /** Scores from 0 to 1. */
  public static ScenesReward partial() {
    return new ScenesReward(true);
  }

  /** Scores of 0 or 1. */
  public static ScenesReward whole() {
    return new ScenesReward(false);
  }

  @Override
  public String name() {
    return partialCredit ? "scenes" : "scenes-whole";
  }

  /**
   * {@inheritDoc}
   *
   * @throws RewardContractException if it is none of the demo's sentences
   */
  @Override
  public void checkPrompt(TrainingPrompt prompt) {
    caption(prompt);
  }

  @Override
  public CompletableFuture<double[]> score(List<RewardInput> batch) {
    List<RewardInput> pictures = List.copyOf(batch);
    return CompletableFuture.supplyAsync(
        () -> pictures.stream().mapToDouble(this::score).toArray());
  }

  private double score(RewardInput input) {
    Caption caption = caption(input.prompt());
    Reading reading = SceneReader.read(input.picture());
    if (partialCredit) {
      return SceneCredit.of(caption, reading);
    }
    return caption.holds(reading) ? 1 : 0;
  }

  private Caption caption(TrainingPrompt prompt) {
    try {
      return Caption.parse(prompt.text());
    } catch (IllegalArgumentException e) {
      throw new RewardContractException("the reward '" + name() + "': " + e.getMessage(), e);
    }
  }
}
