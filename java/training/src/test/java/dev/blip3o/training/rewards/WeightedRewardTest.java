package dev.blip3o.training.rewards;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class WeightedRewardTest {
  /** A reward whose future the test completes. */
  private record Given(String name, CompletableFuture<double[]> scores, boolean[] closed)
      implements Reward {
    Given(String name) {
      this(name, new CompletableFuture<>(), new boolean[1]);
    }

    @Override
    public CompletableFuture<double[]> score(List<RewardInput> batch) {
      return scores;
    }

    @Override
    public void close() {
      closed[0] = true;
    }
  }

  private final Given first = new Given("first");
  private final Given second = new Given("second");
  private final WeightedReward sum =
      new WeightedReward(
          List.of(new WeightedReward.Part(0.5, first), new WeightedReward.Part(-2, second)));

  @Test
  void itIsTheWeightedSum() throws Exception {
    CompletableFuture<double[]> scores = sum.score(Inputs.two());
    second.scores.complete(new double[] {1, 0.25});
    first.scores.complete(new double[] {4, 8});
    assertArrayEquals(new double[] {0, 3.5}, Inputs.await(scores));
    assertEquals("0.5*first + -2.0*second", sum.name());
  }

  @Test
  void oneFailureIsTheSums() {
    CompletableFuture<double[]> scores = sum.score(Inputs.two());
    second.scores.completeExceptionally(new RewardException("down"));
    assertEquals("down", Inputs.failure(RewardException.class, scores).getMessage());
    assertTrue(first.scores.isCancelled());
  }

  @Test
  void thePartWithWrongScoresIsNamed() {
    CompletableFuture<double[]> scores = sum.score(Inputs.two());
    first.scores.complete(new double[] {1, 2, 3});
    second.scores.complete(new double[] {1, 2});
    RewardContractException e = Inputs.failure(RewardContractException.class, scores);
    assertEquals(
        "the reward 'first' must give one score for each picture: expected 2, but found 3",
        e.getMessage());
  }

  @Test
  void cancellingAndClosingReachTheParts() {
    sum.score(Inputs.two()).cancel(true);
    assertTrue(first.scores.isCancelled() && second.scores.isCancelled());
    sum.close();
    assertTrue(first.closed[0] && second.closed[0]);
  }

  @Test
  void weightsAreFinite() {
    assertThrows(IllegalArgumentException.class, () -> new WeightedReward.Part(Double.NaN, first));
    assertThrows(IllegalArgumentException.class, () -> new WeightedReward(List.of()));
  }
}
