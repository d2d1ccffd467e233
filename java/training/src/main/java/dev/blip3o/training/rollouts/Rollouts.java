package dev.blip3o.training.rollouts;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.GeneratedImage;
import dev.blip3o.ImageRequest;
import dev.blip3o.PictureJob;
import dev.blip3o.training.prompts.TrainingPrompt;
import dev.blip3o.training.rewards.GroupScorer;
import dev.blip3o.training.rewards.GroupScores;
import dev.blip3o.training.rewards.RewardInput;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntConsumer;

/**
 * Draws groups of pictures and has them scored, a group as soon as its last picture is there, while
 * others are drawn.
 *
 * <p>Tokens are drawn at temperature 1 among the whole image vocabulary, as the gradient assumes;
 * the pictures of a group share their prompt's prefill.
 *
 * <p>One thread at a time.
 */
public final class Rollouts {
  private final Blip3oModel model;
  private final GroupScorer scorer;
  private final RolloutSettings settings;

  /** Rollouts of a model, which stays its caller's to close. */
  public Rollouts(Blip3oModel model, GroupScorer scorer, RolloutSettings settings) {
    this.model = model;
    this.scorer = scorer;
    this.settings = settings;
  }

  /** A group that is under way. */
  private record Flight(
      TrainingPrompt prompt, List<PictureJob> jobs, CompletableFuture<GroupScores> scores) {
    void cancel() {
      jobs.forEach(PictureJob::cancel);
      scores.cancel(true);
    }
  }

  /**
   * Draws and scores a group for each prompt.
   *
   * @param prompts may hold a prompt twice
   * @param seeds one for each prompt; picture k of a group has its seed + k
   * @param drawn told how many pictures are there, whenever another is; on any thread
   * @param cancellation ends it; then everything under way is given up
   * @throws dev.blip3o.GenerationCancelledException if it was cancelled
   * @throws dev.blip3o.Blip3oException as the model or the reward failed
   */
  public Rollout draw(
      List<TrainingPrompt> prompts,
      long[] seeds,
      IntConsumer drawn,
      CancellationToken cancellation) {
    long begin = System.nanoTime();
    PictureCount count = new PictureCount(drawn);
    List<Flight> flights = new ArrayList<>();
    try {
      for (int i = 0; i < prompts.size(); i++) {
        flights.add(start(prompts.get(i), seeds[i], count));
      }
      for (Flight flight : flights) {
        flight.jobs().forEach(job -> Waits.on(job.result(), cancellation));
      }
      long middle = System.nanoTime();
      List<RolloutGroup> groups = new ArrayList<>();
      for (Flight flight : flights) {
        groups.add(group(flight, Waits.on(flight.scores(), cancellation)));
      }
      long end = System.nanoTime();
      return new Rollout(groups, (middle - begin) * 1e-9, (end - middle) * 1e-9);
    } catch (RuntimeException | Error e) {
      flights.forEach(Flight::cancel);
      throw e;
    }
  }

  private Flight start(TrainingPrompt prompt, long seed, PictureCount count) {
    ImageRequest.Builder request =
        ImageRequest.builder(prompt.text())
            .count(settings.groupSize())
            .seed(seed)
            .temperature(1)
            .topK(0)
            .topP(1)
            .logProbabilities(true);
    settings.steps().ifPresent(request::steps);
    settings.guidance().ifPresent(request::guidance);
    List<PictureJob> jobs = model.submitAll(request.build());
    List<CompletableFuture<RewardInput>> inputs =
        jobs.stream()
            .map(job -> job.result().thenApply(image -> RewardInput.of(prompt, image)))
            .toList();
    inputs.forEach(input -> input.thenRun(count::increase));
    CompletableFuture<GroupScores> scores = new CompletableFuture<>();
    CompletableFuture.allOf(inputs.toArray(CompletableFuture[]::new))
        .thenRun(() -> score(inputs, scores))
        .exceptionally(
            failure -> {
              scores.completeExceptionally(failure);
              return null;
            });
    return new Flight(prompt, jobs, scores);
  }

  /**
   * Asks for the scores of pictures that are there. Who cancels {@code scores} cancels that too.
   */
  private void score(
      List<CompletableFuture<RewardInput>> inputs, CompletableFuture<GroupScores> scores) {
    CompletableFuture<GroupScores> asked =
        scorer.score(inputs.stream().map(CompletableFuture::join).toList());
    scores.whenComplete((value, failure) -> asked.cancel(true));
    asked.whenComplete(
        (value, failure) -> {
          if (failure == null) {
            scores.complete(value);
          } else {
            scores.completeExceptionally(failure);
          }
        });
  }

  private RolloutGroup group(Flight flight, GroupScores scores) {
    List<GeneratedImage> pictures = flight.jobs().stream().map(job -> job.result().join()).toList();
    return new RolloutGroup(
        flight.prompt(), model.stages().prompt(flight.prompt().text()), pictures, scores);
  }
}
