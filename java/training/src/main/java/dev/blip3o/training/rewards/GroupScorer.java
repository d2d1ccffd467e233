package dev.blip3o.training.rewards;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Scores groups of pictures: tries again where the reward fails or hangs, and drops the group after
 * the last try. A dropped group has no scores, not scores of zero. Any thread may call it.
 */
public final class GroupScorer {
  private final Reward reward;
  private final RetryPolicy policy;
  private final AtomicLong retries = new AtomicLong();
  private final AtomicLong dropped = new AtomicLong();

  /**
   * A scorer; the reward stays its caller's to close.
   *
   * @param reward what is asked
   * @param policy how often
   */
  public GroupScorer(Reward reward, RetryPolicy policy) {
    this.reward = reward;
    this.policy = policy;
  }

  /**
   * Scores a group; returns soon.
   *
   * @param group the pictures, mostly of one prompt
   * @return their scores, or that they are dropped. It fails with {@link RewardContractException}
   *     where no try can help. Cancelling it gives up the work.
   */
  public CompletableFuture<GroupScores> score(List<RewardInput> group) {
    CompletableFuture<GroupScores> result = new CompletableFuture<>();
    attempt(List.copyOf(group), 1, result);
    return result;
  }

  /** Tries that were made again, so far. */
  public long retries() {
    return retries.get();
  }

  /** Groups that were dropped, so far. */
  public long dropped() {
    return dropped.get();
  }

  private void attempt(List<RewardInput> group, int number, CompletableFuture<GroupScores> result) {
    if (result.isDone()) {
      return;
    }
    CompletableFuture<double[]> scores = ask(group);
    // A copy: the reward's own future is cancelled then, which tells it to give up.
    CompletableFuture<double[]> inTime =
        scores.copy().orTimeout(policy.timeout().toNanos(), TimeUnit.NANOSECONDS);
    result.whenComplete(
        (value, failure) -> {
          if (result.isCancelled()) {
            scores.cancel(true);
          }
        });
    inTime.whenComplete(
        (values, failure) -> {
          scores.cancel(true);
          finish(group, number, result, values, failure);
        });
  }

  private CompletableFuture<double[]> ask(List<RewardInput> group) {
    try {
      return reward.score(group);
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private void finish(
      List<RewardInput> group,
      int number,
      CompletableFuture<GroupScores> result,
      double[] values,
      Throwable failure) {
    if (failure == null) {
      try {
        result.complete(new GroupScores.Scored(Scores.check(reward.name(), group.size(), values)));
      } catch (RewardContractException e) {
        result.completeExceptionally(e);
      }
      return;
    }
    Throwable cause = unwrapped(failure);
    if (cause instanceof RewardContractException || cause instanceof Error) {
      result.completeExceptionally(cause);
    } else if (number < policy.attempts()) {
      retries.incrementAndGet();
      later(number).execute(() -> attempt(group, number + 1, result));
    } else {
      dropped.incrementAndGet(); // Before anybody can see the result.
      if (!result.complete(new GroupScores.Dropped(number, asRewardFailure(cause)))) {
        dropped.decrementAndGet(); // It was cancelled meanwhile.
      }
    }
  }

  private Executor later(int failures) {
    return CompletableFuture.delayedExecutor(
        policy.backoffAfter(failures).toNanos(), TimeUnit.NANOSECONDS);
  }

  private static Throwable unwrapped(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  private RewardException asRewardFailure(Throwable cause) {
    if (cause instanceof RewardException failure) {
      return failure;
    }
    if (cause instanceof TimeoutException) {
      return new RewardException(
          "the reward '"
              + reward.name()
              + "' has not answered within "
              + policy.timeout().toMillis()
              + " ms",
          cause);
    }
    if (cause instanceof CancellationException) {
      return new RewardException("the reward '" + reward.name() + "' was cancelled", cause);
    }
    return new RewardException("the reward '" + reward.name() + "' failed: " + cause, cause);
  }
}
