package dev.blip3o.training.rewards;

import dev.blip3o.training.prompts.TrainingPrompt;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/** A weighted sum of rewards, which work side by side. Where one fails, the sum fails. */
public final class WeightedReward implements Reward {
  private final List<Part> parts;

  /**
   * A reward's share.
   *
   * @param weight its factor, finite; negative where less of it is better
   * @param reward what is multiplied
   */
  public record Part(double weight, Reward reward) {
    /**
     * Checks the weight.
     *
     * @throws IllegalArgumentException if it is not finite
     */
    public Part {
      if (!Double.isFinite(weight)) {
        throw new IllegalArgumentException(
            "the weight of the reward '" + reward.name() + "' must be finite, but is " + weight);
      }
    }
  }

  /**
   * The sum of these, which it closes.
   *
   * @throws IllegalArgumentException if there are none
   */
  public WeightedReward(List<Part> parts) {
    this.parts = List.copyOf(parts);
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("a weighted reward needs one part at least");
    }
  }

  @Override
  public String name() {
    return parts.stream()
        .map(part -> String.format(Locale.ROOT, "%s*%s", part.weight(), part.reward().name()))
        .collect(Collectors.joining(" + "));
  }

  @Override
  public void checkPrompt(TrainingPrompt prompt) {
    parts.forEach(part -> part.reward().checkPrompt(prompt));
  }

  @Override
  public CompletableFuture<double[]> score(List<RewardInput> batch) {
    List<CompletableFuture<double[]>> scores =
        parts.stream().map(part -> part.reward().score(batch)).toList();
    CompletableFuture<double[]> sum =
        CompletableFuture.allOf(scores.toArray(CompletableFuture[]::new))
            .thenApply(nothing -> sum(scores, batch.size()));
    sum.whenComplete(
        (value, failure) -> {
          if (failure != null) {
            scores.forEach(score -> score.cancel(true));
          }
        });
    // The others' work is given up at the first failure, not awaited.
    scores.forEach(
        score ->
            score.whenComplete(
                (value, failure) -> {
                  if (failure != null) {
                    sum.completeExceptionally(failure);
                  }
                }));
    return sum;
  }

  private double[] sum(List<CompletableFuture<double[]>> scores, int pictures) {
    double[] sum = new double[pictures];
    for (int p = 0; p < parts.size(); p++) {
      Part part = parts.get(p);
      double[] values = Scores.check(part.reward().name(), pictures, scores.get(p).join());
      for (int i = 0; i < pictures; i++) {
        sum[i] += part.weight() * values[i];
      }
    }
    return sum;
  }

  @Override
  public void close() {
    parts.forEach(part -> part.reward().close());
  }
}
