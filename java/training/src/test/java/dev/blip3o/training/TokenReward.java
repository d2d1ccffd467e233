package dev.blip3o.training;

import dev.blip3o.training.rewards.Reward;
import dev.blip3o.training.rewards.RewardInput;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The share of a picture's tokens that are below a limit. */
record TokenReward(int limit) implements Reward {
  @Override
  public String name() {
    return "tokens below " + limit;
  }

  @Override
  public CompletableFuture<double[]> score(List<RewardInput> batch) {
    return CompletableFuture.completedFuture(batch.stream().mapToDouble(this::score).toArray());
  }

  private double score(RewardInput input) {
    return Arrays.stream(input.tokens()).filter(token -> token < limit).count()
        / (double) input.tokens().length;
  }
}
