package dev.blip3o.e2e.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.PictureEvent;
import dev.blip3o.PictureRequest;
import java.util.concurrent.Flow;

/** Hears a job's events, one at a time, and checks their order. */
final class EventChecks implements Flow.Subscriber<PictureEvent> {
  private final PictureRequest request;
  private final Trigger trigger;
  private Flow.Subscription subscription;
  private PictureEvent last;
  private volatile Throwable broken;

  /**
   * Of a job.
   *
   * @param trigger counts the events
   */
  EventChecks(PictureRequest request, Trigger trigger) {
    this.request = request;
    this.trigger = trigger;
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    this.subscription = subscription;
    subscription.request(1);
  }

  @Override
  public void onNext(PictureEvent event) {
    try {
      check(event);
    } catch (Throwable e) { // Told to the client's thread.
      broken = e;
    }
    last = event;
    trigger.count();
    subscription.request(1);
  }

  private void check(PictureEvent event) {
    assertEquals(last == null, event instanceof PictureEvent.Queued, () -> last + ", " + event);
    assertEquals(
        last instanceof PictureEvent.Queued,
        event instanceof PictureEvent.Started,
        () -> last + ", " + event);
    assertTrue(!(last instanceof PictureEvent.Finished));
    if (event instanceof PictureEvent.Preview preview) {
      assertTrue(request.previewEvery() > 0);
      assertEquals(0, preview.step() % request.previewEvery());
    }
  }

  @Override
  public void onError(Throwable error) {
    if (last instanceof PictureEvent.Finished) {
      broken = new AssertionError("an error after the end", error);
    }
  }

  @Override
  public void onComplete() {
    try {
      assertInstanceOf(PictureEvent.Finished.class, last);
    } catch (AssertionError e) {
      broken = e;
    }
  }

  /** Throws what was broken so far. */
  void rethrow() {
    if (broken != null) {
      throw new AssertionError("the events of " + request + " are out of order", broken);
    }
  }
}
