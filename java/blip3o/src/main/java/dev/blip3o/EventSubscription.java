package dev.blip3o;

import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One subscriber of a job's events. It is called on the executor, by one task at a time.
 *
 * <p>Source of the rules that are cited: Reactive Streams 1.0.4, whose interfaces {@link Flow} has.
 */
final class EventSubscription implements Flow.Subscription {
  private final Flow.Subscriber<? super PictureEvent> subscriber;
  private final EventLog log;
  private final EventLog.Reader reader;
  private final Executor executor;
  private final Runnable listener = this::signal;
  private final AtomicLong demand = new AtomicLong();

  /** Reasons to look what there is to do, since the running task looked last; 0: none runs. */
  private final AtomicInteger signals = new AtomicInteger();

  private boolean greeted;
  private volatile IllegalArgumentException misuse;
  private volatile boolean ended;

  EventSubscription(
      Flow.Subscriber<? super PictureEvent> subscriber, EventLog log, Executor executor) {
    this.subscriber = subscriber;
    this.log = log;
    this.reader = log.reader();
    this.executor = executor;
  }

  /** Begins to call the subscriber, with {@code onSubscribe}. */
  void start() {
    log.listen(listener);
    signal();
  }

  @Override
  public void request(long n) {
    if (n <= 0) { // Rule 3.9.
      misuse =
          new IllegalArgumentException(
              "a subscriber must request 1 event or more, but requested " + n);
    } else {
      demand.accumulateAndGet(n, EventSubscription::add);
    }
    signal();
  }

  @Override
  public void cancel() {
    ended = true;
    log.ignore(listener);
  }

  /** Rule 3.17: the largest demand is one without end. */
  private static long add(long left, long right) {
    long sum = left + right;
    return sum < 0 ? Long.MAX_VALUE : sum;
  }

  private void signal() {
    if (!ended && signals.getAndIncrement() == 0) {
      executor.execute(this::run);
    }
  }

  private void run() {
    int seen = 1;
    do {
      try {
        deliver();
      } catch (Throwable e) { // Rule 2.13: a subscriber that throws has cancelled.
        cancel();
        Thread thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
      }
      seen = signals.addAndGet(-seen);
    } while (seen != 0);
  }

  private void deliver() {
    if (!greeted && !ended) {
      greeted = true;
      subscriber.onSubscribe(this);
    }
    while (!ended) {
      if (misuse != null) {
        cancel();
        subscriber.onError(misuse);
        return;
      }
      Optional<PictureEvent> event = demand.get() > 0 ? reader.poll() : Optional.empty();
      if (event.isPresent()) {
        demand.accumulateAndGet(-1, (left, one) -> left == Long.MAX_VALUE ? left : left + one);
        subscriber.onNext(event.get());
      } else {
        endIfDue();
        return;
      }
    }
  }

  /** A failure does not wait for demand; completion follows the last event. */
  private void endIfDue() {
    boolean atEnd = reader.atEnd();
    if (atEnd && reader.failure().isEmpty()) {
      cancel();
      subscriber.onComplete();
    } else if (reader.failure().isPresent() && (atEnd || demand.get() == 0)) {
      cancel();
      subscriber.onError(reader.failure().get());
    }
  }
}
