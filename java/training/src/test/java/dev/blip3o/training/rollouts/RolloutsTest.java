package dev.blip3o.training.rollouts;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.GeneratedImage;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.ImageRequest;
import dev.blip3o.LogProbabilities;
import dev.blip3o.support.Repository;
import dev.blip3o.training.learner.DrawnSequence;
import dev.blip3o.training.prompts.TrainingPrompt;
import dev.blip3o.training.rewards.GroupScorer;
import dev.blip3o.training.rewards.GroupScores;
import dev.blip3o.training.rewards.RetryPolicy;
import dev.blip3o.training.rewards.Reward;
import dev.blip3o.training.rewards.RewardInput;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RolloutsTest {
  private static final int GROUP = 16;
  private static final List<TrainingPrompt> PROMPTS =
      List.of(TrainingPrompt.of("a red circle"), TrainingPrompt.of("two blue stars"));

  private Blip3oModel model;

  @BeforeEach
  void open() {
    model = Blip3oModel.open(Repository.golden().resolve("reference/tiny/model"));
  }

  @AfterEach
  void close() {
    model.close();
  }

  /** Numbers the pictures of a batch. */
  private static class Numbering implements Reward {
    @Override
    public String name() {
      return "numbering";
    }

    @Override
    public CompletableFuture<double[]> score(List<RewardInput> batch) {
      return CompletableFuture.completedFuture(
          IntStream.range(0, batch.size()).asDoubleStream().toArray());
    }
  }

  private Rollout draw(Reward reward, List<Integer> counts, CancellationToken cancellation) {
    RolloutSettings settings = new RolloutSettings(GROUP, OptionalInt.of(1), OptionalDouble.of(1));
    return new Rollouts(model, new GroupScorer(reward, RetryPolicy.DEFAULT), settings)
        .draw(PROMPTS, new long[] {100, 200}, counts::add, cancellation);
  }

  @Test
  void everyPromptHasAGroupAndIsPrefilledOnce() {
    List<Integer> counts = new ArrayList<>();
    Rollout rollout = draw(new Numbering(), counts, new CancellationToken());
    assertEquals(IntStream.rangeClosed(1, 2 * GROUP).boxed().toList(), counts);
    assertEquals(2 * (GROUP - 1), model.metrics().promptsReused());
    for (int i = 0; i < PROMPTS.size(); i++) {
      RolloutGroup group = rollout.groups().get(i);
      assertEquals(PROMPTS.get(i), group.prompt());
      assertEquals(model.stages().prompt(PROMPTS.get(i).text()), group.ids());
      double[] scores = assertInstanceOf(GroupScores.Scored.class, group.scores()).scores();
      assertArrayEquals(IntStream.range(0, GROUP).asDoubleStream().toArray(), scores);
      for (int k = 0; k < GROUP; k++) {
        assertEquals(100 * (i + 1) + k, group.pictures().get(k).seed());
      }
    }
  }

  /** As drawn alone, at temperature 1 among all image tokens: then both probabilities are one. */
  @Test
  void tokensAreDrawnAsTheGradientAssumes() {
    Rollout rollout = draw(new Numbering(), new ArrayList<>(), new CancellationToken());
    GeneratedImage picture = rollout.groups().get(1).pictures().get(3);
    ImageRequest alone =
        ImageRequest.builder("two blue stars")
            .seed(203)
            .temperature(1)
            .topK(0)
            .topP(1)
            .steps(1)
            .guidance(1)
            .build();
    assertArrayEquals(model.generate(alone).tokens(), picture.tokens());
    LogProbabilities values = picture.logProbabilities().orElseThrow();
    DrawnSequence sequence = rollout.groups().get(1).sequence(3, 0.5);
    assertEquals(0.5, sequence.advantage());
    assertArrayEquals(picture.tokens(), sequence.tokens());
    for (int i = 0; i < values.tokens(); i++) {
      assertEquals(values.full(i), values.drawn(i), 1e-5);
      assertEquals(values.drawn(i), sequence.logProbabilities()[i]);
    }
  }

  @Test
  void cancellingGivesUpWhatIsUnderWay() {
    CancellationToken cancellation = new CancellationToken();
    CompletableFuture<double[]> never = new CompletableFuture<>();
    Reward hanging =
        new Numbering() {
          @Override
          public CompletableFuture<double[]> score(List<RewardInput> batch) {
            cancellation.cancel();
            return never;
          }
        };
    assertThrows(
        GenerationCancelledException.class, () -> draw(hanging, new ArrayList<>(), cancellation));
    assertThrows(CancellationException.class, () -> never.get(60, TimeUnit.SECONDS));
  }
}
