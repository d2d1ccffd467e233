package dev.blip3o;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Asks for all events of a job and notes them. */
final class Subscriber implements Flow.Subscriber<PictureEvent> {
  private final List<PictureEvent> events = new ArrayList<>();
  private final List<String> threads = new ArrayList<>();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Consumer<PictureEvent> onNext;
  private Throwable error;

  Subscriber() {
    this(event -> {});
  }

  /** Also calls {@code onNext} with each event. */
  Subscriber(Consumer<PictureEvent> onNext) {
    this.onNext = onNext;
  }

  /** Subscribes a new one to {@code job}. */
  static Subscriber of(PictureJob job) {
    Subscriber subscriber = new Subscriber();
    job.events().subscribe(subscriber);
    return subscriber;
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    subscription.request(Long.MAX_VALUE);
  }

  @Override
  public synchronized void onNext(PictureEvent event) {
    events.add(event);
    threads.add(Thread.currentThread().getName());
    onNext.accept(event);
  }

  @Override
  public synchronized void onError(Throwable error) {
    this.error = error;
    ended.countDown();
  }

  @Override
  public void onComplete() {
    ended.countDown();
  }

  /** The events, once the last one has come. */
  List<PictureEvent> events() throws InterruptedException {
    awaitEnd();
    return events;
  }

  /** The names of the threads that brought the events, once the last one has come. */
  List<String> threads() throws InterruptedException {
    awaitEnd();
    return threads;
  }

  /** The error, or null, once the last event has come. */
  Throwable error() throws InterruptedException {
    awaitEnd();
    return error;
  }

  private void awaitEnd() throws InterruptedException {
    if (!ended.await(60, TimeUnit.SECONDS)) {
      throw new AssertionError("the job's events have no end: " + events);
    }
  }
}
