package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.InsufficientMemoryException;
import dev.blip3o.ModelMetrics;
import dev.blip3o.ModelOptions;
import dev.blip3o.UnsupportedException;
import dev.blip3o.e2e.service.Client;
import dev.blip3o.e2e.service.Outcome;
import dev.blip3o.e2e.service.Recipe;
import dev.blip3o.support.Repository;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Twenty threads share one model that has memory for a few requests and a short queue. They cancel,
 * set deadlines and are refused; every picture that is made has the bytes of its single run, and
 * nothing is left behind.
 */
@Timeout(300)
class ServiceTest {
  private static final long SEED = 5;
  private static final int THREADS = 20;
  private static final int REQUESTS_OF_A_THREAD = 20;
  private static final int QUEUE_LIMIT = 8;

  /** Of the memory limit, in bytes: less than any request takes. */
  private static final long PRECISION = 1 << 14;

  private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);

  @AfterEach
  void stopThreads() {
    threads.shutdownNow();
    timer.shutdownNow();
  }

  @Test
  void whatSurvivesIsWhatASingleRunMakes() throws Exception {
    List<Recipe> recipes;
    long plenty;
    try (Blip3oModel alone = Blip3oModel.open(Repository.demo())) {
      recipes = Recipe.single(alone, Repository.demo().resolve("edits"));
      plenty = alone.metrics().memoryPeakBytes();
    }
    Recipe largest = recipes.get(recipes.size() - 1);
    long limit = leastMemory(largest, plenty);
    try (Blip3oModel model = open(limit)) {
      long blocks = blocksAfter(model, largest);
      ModelMetrics before = model.metrics();
      Map<Outcome, Integer> outcomes = serve(model, recipes);
      ModelMetrics after = idle(model);
      System.out.println(outcomes + ", " + (after.refused() - before.refused()) + " refusals");
      for (Outcome outcome : Outcome.values()) {
        assertTrue(outcomes.get(outcome) > 0, "the test has no " + outcome + ": " + outcomes);
      }
      assertTrue(outcomes.get(Outcome.SURVIVED) > THREADS * REQUESTS_OF_A_THREAD / 8);
      assertAllEnded(before, after, outcomes);
      assertEquals(blocks, blocksAfter(model, largest));
    }
  }

  private Map<Outcome, Integer> serve(Blip3oModel model, List<Recipe> recipes) throws Exception {
    SplittableRandom random = new SplittableRandom(SEED);
    CountDownLatch start = new CountDownLatch(1);
    List<Future<List<Outcome>>> clients = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      clients.add(
          threads.submit(
              new Client(model, recipes, REQUESTS_OF_A_THREAD, random.split(), timer, start)));
    }
    start.countDown();
    Map<Outcome, Integer> outcomes = new EnumMap<>(Outcome.class);
    for (Outcome outcome : Outcome.values()) {
      outcomes.put(outcome, 0);
    }
    for (Future<List<Outcome>> client : clients) {
      client.get(4, TimeUnit.MINUTES).forEach(outcome -> outcomes.merge(outcome, 1, Integer::sum));
    }
    return outcomes;
  }

  /** The metrics once nothing waits or runs: what was cancelled may take a step to end. */
  private static ModelMetrics idle(Blip3oModel model) throws InterruptedException {
    ModelMetrics metrics = model.metrics();
    for (int i = 0; i < 1000 && metrics.queued() + metrics.running() > 0; i++) {
      Thread.sleep(10);
      metrics = model.metrics();
    }
    assertEquals(0, metrics.queued());
    assertEquals(0, metrics.running());
    return metrics;
  }

  private static void assertAllEnded(
      ModelMetrics before, ModelMetrics after, Map<Outcome, Integer> outcomes) {
    assertEquals(0, after.failed());
    assertEquals(
        after.submitted(), after.done() + after.cancelled() + after.expired(), after.toString());
    // Of those that a client gave up some had just ended otherwise.
    int cancelled = outcomes.get(Outcome.CANCELLED);
    assertBetween(outcomes.get(Outcome.SURVIVED), cancelled, after.done() - before.done());
    assertBetween(outcomes.get(Outcome.EXPIRED), cancelled, after.expired());
  }

  private static void assertBetween(int least, int more, long found) {
    assertTrue(
        found >= least && found <= least + more,
        found + " is not between " + least + " and " + (least + more));
  }

  /** The smallest limit under which a model takes the recipe; {@code plenty} is one. */
  private static long leastMemory(Recipe recipe, long plenty) {
    long tooLittle = 0;
    long enough = plenty;
    while (enough - tooLittle > PRECISION) {
      long limit = (tooLittle + enough) / 2;
      if (takes(limit, recipe)) {
        enough = limit;
      } else {
        tooLittle = limit;
      }
    }
    return enough;
  }

  private static boolean takes(long limit, Recipe recipe) {
    try (Blip3oModel model = open(limit)) {
      model.submit(recipe.request());
      return true;
    } catch (InsufficientMemoryException | UnsupportedException e) {
      return false; // Or no memory for the codebook, so that it can't edit.
    }
  }

  private static Blip3oModel open(long limit) {
    ModelOptions options =
        ModelOptions.builder().memoryLimitBytes(limit).queueLimit(QUEUE_LIMIT).build();
    return Blip3oModel.open(Repository.demo(), options);
  }

  /**
   * The pieces of memory that the idle model holds after the request that needs all of its memory:
   * nothing of what ran before is kept beside it, neither a known prompt nor a lane's workspace.
   */
  private static long blocksAfter(Blip3oModel model, Recipe largest) throws InterruptedException {
    assertEquals(largest.pixels(), model.submit(largest.request()).result().join().pixels());
    long blocks = idle(model).memoryBlocks();
    for (long before = -1; blocks != before; ) {
      // Its slab is given back a moment after its end was told.
      Thread.sleep(100);
      before = blocks;
      blocks = model.metrics().memoryBlocks();
    }
    return blocks;
  }
}
