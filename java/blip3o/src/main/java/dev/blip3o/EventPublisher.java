package dev.blip3o;

import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;

/** Publishes a job's log to any number of subscribers, who are called on an executor. */
final class EventPublisher implements Flow.Publisher<PictureEvent> {
  private final EventLog log;
  private final Executor executor;

  EventPublisher(EventLog log, Executor executor) {
    this.log = log;
    this.executor = executor;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super PictureEvent> subscriber) {
    Objects.requireNonNull(subscriber, "subscriber");
    new EventSubscription(subscriber, log, executor).start();
  }
}
