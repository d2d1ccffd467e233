package dev.blip3o.training.rewards;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class GroupScorerTest {
  private static final RetryPolicy THREE_TRIES =
      new RetryPolicy(3, Duration.ofSeconds(60), Duration.ZERO);
  private static final RetryPolicy SHORT =
      new RetryPolicy(2, Duration.ofMillis(50), Duration.ofMillis(1));

  /** Answers with what the test has put there, try after try. */
  private static final class Scripted implements Reward {
    final Deque<CompletableFuture<double[]>> answers = new ArrayDeque<>();
    final List<CompletableFuture<double[]>> given = new ArrayList<>();

    @Override
    public String name() {
      return "scripted";
    }

    @Override
    public synchronized CompletableFuture<double[]> score(List<RewardInput> batch) {
      given.add(answers.remove());
      return given.get(given.size() - 1);
    }
  }

  private final Scripted reward = new Scripted();

  private static CompletableFuture<double[]> scores(double... values) {
    return CompletableFuture.completedFuture(values);
  }

  private static CompletableFuture<double[]> broken(RuntimeException e) {
    return CompletableFuture.failedFuture(e);
  }

  @Test
  void aFailureIsTriedAgain() throws Exception {
    reward.answers.add(broken(new RewardException("down")));
    reward.answers.add(broken(new IllegalStateException("a bug")));
    reward.answers.add(scores(0.5, 1));
    GroupScorer scorer = new GroupScorer(reward, THREE_TRIES);
    GroupScores.Scored scored =
        assertInstanceOf(GroupScores.Scored.class, Inputs.await(scorer.score(Inputs.two())));
    assertArrayEquals(new double[] {0.5, 1}, scored.scores());
    assertEquals(2, scorer.retries());
    assertEquals(0, scorer.dropped());
  }

  @Test
  void afterTheLastTryTheGroupIsDroppedNotScoredZero() throws Exception {
    for (int i = 1; i <= 3; i++) {
      reward.answers.add(broken(new RewardException("down " + i)));
    }
    GroupScorer scorer = new GroupScorer(reward, THREE_TRIES);
    GroupScores.Dropped dropped =
        assertInstanceOf(GroupScores.Dropped.class, Inputs.await(scorer.score(Inputs.two())));
    assertEquals(3, dropped.attempts());
    assertEquals("down 3", dropped.last().getMessage());
    assertEquals(1, scorer.dropped());
  }

  @Test
  void aRewardThatHangsIsCancelledAndTriedAgain() throws Exception {
    reward.answers.add(new CompletableFuture<>());
    reward.answers.add(scores(1, 2));
    GroupScorer scorer = new GroupScorer(reward, SHORT);
    assertInstanceOf(GroupScores.Scored.class, Inputs.await(scorer.score(Inputs.two())));
    assertTrue(reward.given.get(0).isCancelled());
  }

  @Test
  void aRewardThatAlwaysHangsIsDropped() throws Exception {
    reward.answers.add(new CompletableFuture<>());
    reward.answers.add(new CompletableFuture<>());
    GroupScorer scorer = new GroupScorer(reward, SHORT);
    GroupScores.Dropped dropped =
        assertInstanceOf(GroupScores.Dropped.class, Inputs.await(scorer.score(Inputs.two())));
    assertEquals(
        "the reward 'scripted' has not answered within 50 ms", dropped.last().getMessage());
  }

  @Test
  void wrongScoresAreNotTriedAgain() {
    reward.answers.add(scores(1));
    reward.answers.add(scores(Double.NaN, 1));
    reward.answers.add(scores(1, 2, 3));
    GroupScorer scorer = new GroupScorer(reward, THREE_TRIES);
    for (String expected :
        List.of("expected 2, but found 1", "score 1 of 2 is NaN", "expected 2, but found 3")) {
      RewardContractException e =
          Inputs.failure(RewardContractException.class, scorer.score(Inputs.two()));
      assertTrue(e.getMessage().contains("'scripted'"), e.getMessage());
      assertTrue(e.getMessage().contains(expected), e.getMessage());
    }
    assertEquals(0, scorer.retries());
  }

  @Test
  void cancellingReachesTheReward() {
    CompletableFuture<double[]> hanging = new CompletableFuture<>();
    reward.answers.add(hanging);
    new GroupScorer(reward, THREE_TRIES).score(Inputs.two()).cancel(true);
    assertTrue(hanging.isCancelled());
  }

  @Test
  void aPolicyHasRanges() {
    Duration one = Duration.ofSeconds(1);
    assertThrows(IllegalArgumentException.class, () -> new RetryPolicy(0, one, one));
    assertThrows(IllegalArgumentException.class, () -> new RetryPolicy(1, Duration.ZERO, one));
    assertThrows(
        IllegalArgumentException.class, () -> new RetryPolicy(1, one, Duration.ofMillis(-1)));
    assertEquals(Duration.ofSeconds(4), new RetryPolicy(5, one, one).backoffAfter(3));
  }
}
