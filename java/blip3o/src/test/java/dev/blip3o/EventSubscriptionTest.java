package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The rules of Reactive Streams, with an executor whose tasks the test runs. */
@Timeout(60)
class EventSubscriptionTest {
  private final EventLog log = new EventLog();
  private final Tasks tasks = new Tasks();

  /** Keeps tasks until the test runs them. */
  private static final class Tasks implements Executor {
    private final Queue<Runnable> tasks = new ArrayDeque<>();

    @Override
    public void execute(Runnable task) {
      tasks.add(task);
    }

    int run() {
      int count = 0;
      for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
        task.run();
        count++;
      }
      return count;
    }
  }

  /** Notes what it hears. */
  private static class Notes implements Flow.Subscriber<PictureEvent> {
    final List<PictureEvent> events = new ArrayList<>();
    Flow.Subscription subscription;
    Throwable error;
    int completions;
    private final long demand;

    Notes(long demand) {
      this.demand = demand;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      assertNull(this.subscription, "subscribed twice");
      this.subscription = subscription;
      if (demand != 0) {
        subscription.request(demand);
      }
    }

    @Override
    public void onNext(PictureEvent event) {
      assertTrue(!ended(), "an event after the end");
      events.add(event);
    }

    @Override
    public void onError(Throwable error) {
      assertTrue(!ended(), "two ends");
      this.error = error;
    }

    @Override
    public void onComplete() {
      assertTrue(!ended(), "two ends");
      completions++;
    }

    boolean ended() {
      return error != null || completions > 0;
    }
  }

  private <N extends Notes> N subscribe(N notes) {
    new EventSubscription(notes, log, tasks).start();
    return notes;
  }

  private static List<PictureEvent> queued(int from, int to) {
    return IntStream.range(from, to).<PictureEvent>mapToObj(PictureEvent.Queued::new).toList();
  }

  private void add(int from, int to) {
    queued(from, to).forEach(log::add);
  }

  @Test
  void nothingIsCalledOnTheSubscribingThread() {
    Notes notes = subscribe(new Notes(1));
    assertNull(notes.subscription);
    assertEquals(1, tasks.run());
    assertTrue(notes.subscription != null);
  }

  @Test
  void asManyEventsComeAsWereRequested() {
    Notes notes = subscribe(new Notes(2));
    add(0, 5);
    tasks.run();
    assertEquals(queued(0, 2), notes.events);
    notes.subscription.request(1);
    notes.subscription.request(1);
    tasks.run();
    assertEquals(queued(0, 4), notes.events);
    notes.subscription.request(10);
    tasks.run();
    assertEquals(queued(0, 5), notes.events);
    add(5, 20);
    tasks.run();
    assertEquals(queued(0, 14), notes.events);
  }

  @Test
  void oneThatAsksForNothingIsNotCalled() {
    Notes notes = subscribe(new Notes(0));
    tasks.run();
    add(0, 1000);
    tasks.run();
    assertEquals(List.of(), notes.events);
    assertFalse(notes.ended());
  }

  @Test
  void whoComesLateHearsAllFromTheFirst() {
    Notes early = subscribe(new Notes(Long.MAX_VALUE));
    tasks.run();
    add(0, 3);
    tasks.run();
    Notes late = subscribe(new Notes(Long.MAX_VALUE));
    add(3, 5);
    log.end(Optional.empty());
    tasks.run();
    Notes after = subscribe(new Notes(Long.MAX_VALUE));
    tasks.run();
    for (Notes notes : List.of(early, late, after)) {
      assertEquals(queued(0, 5), notes.events);
      assertEquals(1, notes.completions);
    }
  }

  @Test
  void completionFollowsTheLastEventAndNeedsNoDemand() {
    Notes notes = subscribe(new Notes(1));
    add(0, 2);
    log.end(Optional.empty());
    tasks.run();
    assertEquals(0, notes.completions);
    notes.subscription.request(1);
    tasks.run();
    assertEquals(queued(0, 2), notes.events);
    assertEquals(1, notes.completions);
  }

  @Test
  void aFailureComesAfterTheEventsThatWereRequested() {
    RuntimeException failure = new RuntimeException("mine");
    Notes notes = subscribe(new Notes(Long.MAX_VALUE));
    add(0, 3);
    log.end(Optional.of(failure));
    tasks.run();
    assertEquals(queued(0, 3), notes.events);
    assertSame(failure, notes.error);
  }

  @Test
  void aFailureDoesNotWaitForDemand() {
    RuntimeException failure = new RuntimeException("mine");
    Notes notes = subscribe(new Notes(1));
    add(0, 3);
    log.end(Optional.of(failure));
    tasks.run();
    assertEquals(queued(0, 1), notes.events);
    assertSame(failure, notes.error);
  }

  @Test
  void toRequestLessThanOneIsAnError() {
    for (long demand : new long[] {0, -1, Long.MIN_VALUE}) {
      EventLog unread = new EventLog();
      Notes notes = new Notes(5);
      new EventSubscription(notes, unread, tasks).start();
      tasks.run();
      notes.subscription.request(demand);
      unread.add(new PictureEvent.Started());
      tasks.run();
      assertInstanceOf(IllegalArgumentException.class, notes.error);
      assertTrue(notes.error.getMessage().contains("requested " + demand), "" + notes.error);
      assertEquals(List.of(), notes.events);
      notes.subscription.request(1);
      notes.subscription.request(-1);
      assertEquals(0, tasks.run());
    }
  }

  @Test
  void toRequestLessThanOneWhileBeingGreetedIsAnErrorToo() {
    Notes notes = subscribe(new Notes(-7));
    add(0, 1);
    tasks.run();
    assertInstanceOf(IllegalArgumentException.class, notes.error);
    assertEquals(List.of(), notes.events);
  }

  @Test
  void demandHasNoEnd() {
    Notes notes = subscribe(new Notes(Long.MAX_VALUE));
    tasks.run();
    notes.subscription.request(Long.MAX_VALUE);
    notes.subscription.request(1);
    add(0, 100);
    tasks.run();
    assertEquals(100, notes.events.size());
  }

  @Test
  void oneThatRequestsEachNextEventDoesNotGrowTheStack() {
    Notes notes =
        subscribe(
            new Notes(1) {
              @Override
              public void onNext(PictureEvent event) {
                super.onNext(event);
                subscription.request(1);
              }
            });
    add(0, 200_000);
    tasks.run();
    assertEquals(200_000, notes.events.size());
  }

  @Test
  void nothingComesAfterACancel() {
    Notes notes =
        subscribe(
            new Notes(Long.MAX_VALUE) {
              @Override
              public void onNext(PictureEvent event) {
                super.onNext(event);
                subscription.cancel();
                subscription.cancel();
                subscription.request(1);
                subscription.request(-1);
              }
            });
    add(0, 3);
    tasks.run();
    log.end(Optional.of(new RuntimeException()));
    assertEquals(0, tasks.run());
    assertEquals(queued(0, 1), notes.events);
    assertFalse(notes.ended());
  }

  @Test
  void oneThatThrowsIsNotCalledAgainAndTheOthersAre() throws Exception {
    RuntimeException mine = new RuntimeException("mine");
    Notes throwing =
        subscribe(
            new Notes(Long.MAX_VALUE) {
              @Override
              public void onNext(PictureEvent event) {
                super.onNext(event);
                throw mine;
              }
            });
    Notes other = subscribe(new Notes(Long.MAX_VALUE));
    add(0, 3);
    log.end(Optional.empty());
    List<Throwable> uncaught = new ArrayList<>();
    Thread thread = new Thread(tasks::run);
    thread.setUncaughtExceptionHandler((where, what) -> uncaught.add(what));
    thread.start();
    thread.join();
    assertEquals(List.of(mine), uncaught);
    assertEquals(queued(0, 1), throwing.events);
    assertFalse(throwing.ended());
    assertEquals(queued(0, 3), other.events);
    assertEquals(1, other.completions);
  }

  @Test
  void oneThatThrowsWhenGreetedIsNotCalledAgain() throws Exception {
    List<Throwable> uncaught = new ArrayList<>();
    Notes notes =
        subscribe(
            new Notes(0) {
              @Override
              public void onSubscribe(Flow.Subscription subscription) {
                super.onSubscribe(subscription);
                subscription.request(1);
                throw new IllegalStateException("mine");
              }
            });
    add(0, 3);
    Thread thread = new Thread(tasks::run);
    thread.setUncaughtExceptionHandler((where, what) -> uncaught.add(what));
    thread.start();
    thread.join();
    assertEquals(1, uncaught.size());
    assertEquals(List.of(), notes.events);
  }

  @Test
  void manyThreadsRequestWhileEventsComeAndCallsDontOverlap() throws Exception {
    int events = 20_000;
    int subscribers = 3;
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      CountDownLatch ends = new CountDownLatch(subscribers);
      List<Notes> all = new ArrayList<>();
      for (int s = 0; s < subscribers; s++) {
        AtomicInteger inside = new AtomicInteger();
        Notes notes =
            new Notes(1) {
              @Override
              public void onNext(PictureEvent event) {
                assertEquals(1, inside.incrementAndGet(), "called by two threads at once");
                super.onNext(event);
                threads.execute(() -> subscription.request(1));
                inside.decrementAndGet();
              }

              @Override
              public void onComplete() {
                super.onComplete();
                ends.countDown();
              }
            };
        all.add(notes);
        new EventSubscription(notes, log, threads).start();
      }
      add(0, events);
      log.end(Optional.empty());
      assertTrue(ends.await(50, TimeUnit.SECONDS));
      for (Notes notes : all) {
        assertEquals(queued(0, events), notes.events);
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
