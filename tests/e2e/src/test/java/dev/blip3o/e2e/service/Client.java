package dev.blip3o.e2e.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.DeadlineExceededException;
import dev.blip3o.GeneratedImage;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.PictureJob;
import dev.blip3o.PictureRequest;
import dev.blip3o.QueueFullException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * One thread of a service: makes requests at random, some with deadlines, priorities and previews,
 * gives some of them up, tries again where the queue is full, and compares every picture with that
 * of its single run.
 */
public final class Client implements Callable<List<Outcome>> {
  private static final int TRIES = 5;
  private static final int LONGEST_PAUSE_MILLIS = 200;

  private final Blip3oModel model;
  private final List<Recipe> recipes;
  private final int requests;
  private final SplittableRandom random;
  private final ScheduledExecutorService timer;
  private final CountDownLatch start;

  /**
   * A client.
   *
   * @param requests how many it makes
   * @param random decides everything that a client decides
   * @param timer gives requests up from outside
   * @param start all clients begin at once
   */
  public Client(
      Blip3oModel model,
      List<Recipe> recipes,
      int requests,
      SplittableRandom random,
      ScheduledExecutorService timer,
      CountDownLatch start) {
    this.model = model;
    this.recipes = recipes;
    this.requests = requests;
    this.random = random;
    this.timer = timer;
    this.start = start;
  }

  @Override
  public List<Outcome> call() throws Exception {
    start.await();
    List<Outcome> outcomes = new ArrayList<>();
    for (int i = 0; i < requests; i++) {
      outcomes.add(request());
    }
    return outcomes;
  }

  private Outcome request() throws Exception {
    Recipe recipe = recipes.get(random.nextInt(recipes.size()));
    PictureRequest request = vary(recipe.request());
    Mishap mishap = random.nextInt(10) < 3 ? mishap() : Mishap.NONE;
    for (int tries = 0; tries < TRIES; tries++) {
      try {
        GeneratedImage image = run(request, mishap);
        assertEquals(recipe.pixels(), image.pixels(), () -> "another picture for " + request);
        assertEquals(request.seed().getAsLong(), image.seed());
        return Outcome.SURVIVED;
      } catch (QueueFullException e) {
        assertTrue(!e.retryAfter().isNegative() && !e.retryAfter().isZero(), e.getMessage());
        Thread.sleep(Math.min(LONGEST_PAUSE_MILLIS, e.retryAfter().toMillis()));
      } catch (DeadlineExceededException e) {
        assertTrue(request.deadline().isPresent(), () -> "no deadline in " + request);
        return Outcome.EXPIRED;
      } catch (GenerationCancelledException | CancellationException e) {
        assertTrue(mishap != Mishap.NONE, () -> "nobody cancelled " + request);
        return Outcome.CANCELLED;
      }
    }
    return Outcome.REFUSED;
  }

  private Mishap mishap() {
    Mishap[] mishaps = Mishap.values();
    return mishaps[1 + random.nextInt(mishaps.length - 1)];
  }

  private PictureRequest vary(PictureRequest request) {
    PictureRequest.Builder<?> builder = request.toBuilder().priority(random.nextInt(-2, 3));
    switch (random.nextInt(10)) {
      case 0 -> builder.deadline(Duration.ofMillis(1));
      case 1 -> builder.deadline(Duration.ofMillis(random.nextInt(20, 500)));
      case 2, 3 -> builder.deadline(Duration.ofHours(1));
      default -> {}
    }
    return builder.previewEvery(random.nextInt(3)).build();
  }

  private GeneratedImage run(PictureRequest request, Mishap mishap) throws Exception {
    boolean blocking = mishap == Mishap.NONE ? random.nextBoolean() : mishap.blocking();
    return blocking ? runBlocking(request, mishap) : runSubmitted(request, mishap);
  }

  private GeneratedImage runBlocking(PictureRequest request, Mishap mishap) {
    CancellationToken token = new CancellationToken();
    Trigger trigger =
        switch (mishap) {
          case TOKEN -> trigger(token::cancel);
          case INTERRUPT -> trigger(Thread.currentThread()::interrupt);
          default -> Trigger.never();
        };
    try {
      return Recipe.run(model, request, progress -> trigger.count(), token);
    } finally {
      trigger.disarm(); // Else an interrupt would hit what follows.
      assertTrue(!Thread.interrupted() || mishap == Mishap.INTERRUPT);
    }
  }

  private GeneratedImage runSubmitted(PictureRequest request, Mishap mishap) throws Exception {
    PictureJob job = model.submit(request);
    Trigger trigger =
        switch (mishap) {
          case FUTURE -> trigger(() -> job.result().cancel(true));
          case JOB -> trigger(job::cancel);
          default -> Trigger.never();
        };
    EventChecks checks = new EventChecks(request, trigger);
    if (random.nextInt(4) > 0 || mishap != Mishap.NONE) {
      job.events().subscribe(checks);
    }
    try {
      return job.result().get(2, TimeUnit.MINUTES);
    } catch (ExecutionException e) {
      throw (Exception) e.getCause();
    } finally {
      trigger.disarm();
      checks.rethrow();
    }
  }

  /** Either after some events or, from outside, after some time. */
  private Trigger trigger(Runnable action) {
    if (random.nextBoolean()) {
      return Trigger.afterEvents(action, random.nextInt(1, 60));
    }
    Trigger trigger = Trigger.armed(action);
    timer.schedule(trigger::fire, random.nextInt(80), TimeUnit.MILLISECONDS);
    return trigger;
  }
}
