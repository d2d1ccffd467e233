package dev.blip3o.training;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.ImageRequest;
import dev.blip3o.PictureJob;
import dev.blip3o.training.grpo.Advantages;
import dev.blip3o.training.prompts.TrainingPrompt;
import dev.blip3o.training.rewards.GroupScorer;
import dev.blip3o.training.rewards.GroupScores;
import dev.blip3o.training.rewards.RetryPolicy;
import dev.blip3o.training.rewards.Reward;
import dev.blip3o.training.rewards.RewardInput;
import dev.blip3o.training.rollouts.Waits;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.IntConsumer;

/**
 * Draws each of a list of prompts once, as a user would, and has the pictures scored. Equal seeds
 * give equal pictures.
 *
 * @param seed of the first prompt's picture; the next one has the next seed
 * @param steps denoising steps; empty: the checkpoint's
 * @param guidance of the denoising; empty: the checkpoint's
 */
public record Evaluation(long seed, OptionalInt steps, OptionalDouble guidance) {
  /** So many pictures are on their way together. */
  private static final int AT_ONCE = 32;

  private static final String KIND = "kind";

  /**
   * Measures a model.
   *
   * @param prompts at least one
   * @param reward of what holds whole, for a share: {@code ScenesReward.whole()}
   * @param scored told how many pictures have scores, as there are more
   * @throws GenerationCancelledException if it was cancelled
   * @throws dev.blip3o.training.rewards.RewardException if the reward failed at every try
   */
  public EvaluationResult of(
      Blip3oModel model,
      List<TrainingPrompt> prompts,
      Reward reward,
      IntConsumer scored,
      CancellationToken cancellation) {
    GroupScorer scorer = new GroupScorer(reward, RetryPolicy.DEFAULT);
    List<Double> scores = new ArrayList<>();
    for (int from = 0; from < prompts.size(); from += AT_ONCE) {
      List<TrainingPrompt> some = prompts.subList(from, Math.min(prompts.size(), from + AT_ONCE));
      List<RewardInput> pictures = draw(model, some, seed + from, cancellation);
      GroupScores answer = Waits.on(scorer.score(pictures), cancellation);
      if (answer instanceof GroupScores.Dropped dropped) {
        throw dropped.last();
      }
      for (double score : ((GroupScores.Scored) answer).scores()) {
        scores.add(score);
      }
      scored.accept(scores.size());
    }
    return result(prompts, scores);
  }

  private List<RewardInput> draw(
      Blip3oModel model, List<TrainingPrompt> prompts, long first, CancellationToken cancellation) {
    List<PictureJob> jobs = new ArrayList<>();
    try {
      for (int i = 0; i < prompts.size(); i++) {
        ImageRequest.Builder request = ImageRequest.builder(prompts.get(i).text()).seed(first + i);
        steps.ifPresent(request::steps);
        guidance.ifPresent(request::guidance);
        jobs.add(model.submit(request.build()));
      }
      List<RewardInput> pictures = new ArrayList<>();
      for (int i = 0; i < jobs.size(); i++) {
        pictures.add(RewardInput.of(prompts.get(i), Waits.on(jobs.get(i).result(), cancellation)));
      }
      return pictures;
    } catch (RuntimeException | Error e) {
      jobs.forEach(PictureJob::cancel);
      throw e;
    }
  }

  private static EvaluationResult result(List<TrainingPrompt> prompts, List<Double> scores) {
    Map<String, List<Double>> kinds = new LinkedHashMap<>();
    for (int i = 0; i < prompts.size(); i++) {
      String kind = prompts.get(i).fields().get(KIND);
      if (kind != null) {
        kinds.computeIfAbsent(kind, name -> new ArrayList<>()).add(scores.get(i));
      }
    }
    Map<String, EvaluationResult.Share> shares = new LinkedHashMap<>();
    kinds.forEach((kind, some) -> shares.put(kind, share(some)));
    return new EvaluationResult(share(scores), shares);
  }

  private static EvaluationResult.Share share(List<Double> scores) {
    double[] values = scores.stream().mapToDouble(Double::doubleValue).toArray();
    return new EvaluationResult.Share(
        values.length,
        Advantages.mean(values),
        Advantages.deviation(values) / Math.sqrt(values.length));
  }
}
