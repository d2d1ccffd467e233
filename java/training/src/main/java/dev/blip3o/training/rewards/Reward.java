package dev.blip3o.training.rewards;

import dev.blip3o.training.prompts.TrainingPrompt;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Says how good pictures are. Larger is better; the scale is the reward's own, since training looks
 * at differences within a group.
 *
 * <p>Any thread may call {@link #score}, also while earlier batches are under way.
 */
public interface Reward extends AutoCloseable {
  /** What errors call it, for example {@code "scenes"}. */
  String name();

  /**
   * Scores pictures; returns soon and works on threads of its own.
   *
   * @param batch one picture or more
   * @return a finite score for each picture, in their order. It fails with {@link RewardException}
   *     where another try may help, with {@link RewardContractException} where none will.
   *     Cancelling it gives up the work.
   */
  CompletableFuture<double[]> score(List<RewardInput> batch);

  /**
   * Checks, before a run begins, that this can score pictures of a prompt.
   *
   * @throws RewardContractException if it can't, as the prompt lacks what it needs
   */
  default void checkPrompt(TrainingPrompt prompt) {}

  /** Gives back threads, processes and connections; what is under way fails. May be repeated. */
  @Override
  default void close() {}
}
