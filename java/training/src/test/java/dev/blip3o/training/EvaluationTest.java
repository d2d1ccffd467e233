package dev.blip3o.training;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.training.prompts.TrainingPrompt;
import dev.blip3o.training.rewards.Reward;
import dev.blip3o.training.rewards.RewardInput;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class EvaluationTest {
  private static final List<TrainingPrompt> PROMPTS =
      List.of(
          new TrainingPrompt("a red circle", Map.of("kind", "one")),
          new TrainingPrompt("two red circles", Map.of("kind", "more")),
          new TrainingPrompt("three red circles", Map.of("kind", "more")),
          TrainingPrompt.of("a sign"));

  /** The number that the prompt begins with. */
  private record ByText() implements Reward {
    @Override
    public String name() {
      return "by text";
    }

    @Override
    public CompletableFuture<double[]> score(List<RewardInput> batch) {
      return CompletableFuture.completedFuture(
          batch.stream().mapToDouble(input -> score(input.prompt().text())).toArray());
    }

    private static double score(String text) {
      return text.startsWith("two") ? 2 : text.startsWith("three") ? 3 : 0;
    }
  }

  private static EvaluationResult evaluate(Reward reward, List<Integer> heard) {
    try (Blip3oModel model = Blip3oModel.open(Runs.tiny())) {
      return new Evaluation(7, OptionalInt.of(1), OptionalDouble.of(1))
          .of(model, PROMPTS, reward, heard::add, new CancellationToken());
    }
  }

  @Test
  void meansAndTheirStandardErrors() {
    List<Integer> heard = new ArrayList<>();
    EvaluationResult result = evaluate(new ByText(), heard);
    // 0, 2, 3, 0: the squares' sum is 6.75, by 3 the variance, by 4 again the squared error.
    assertEquals(4, result.all().count());
    assertEquals(1.25, result.all().mean());
    assertEquals(Math.sqrt(6.75 / 3 / 4), result.all().standardError(), 1e-12);
    assertEquals(List.of("one", "more"), List.copyOf(result.kinds().keySet()));
    assertEquals(new EvaluationResult.Share(1, 0, 0), result.kinds().get("one"));
    assertEquals(new EvaluationResult.Share(2, 2.5, 0.5), result.kinds().get("more"));
    assertEquals(List.of(4), heard);
  }

  @Test
  void equalSeedsGiveEqualPictures() {
    TokenReward reward = new TokenReward(100);
    assertEquals(evaluate(reward, new ArrayList<>()), evaluate(reward, new ArrayList<>()));
  }
}
