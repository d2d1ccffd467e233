package dev.blip3o.cli;

import dev.blip3o.GeneratedImage;
import dev.blip3o.PictureEvent;
import dev.blip3o.PictureJob;
import dev.blip3o.Progress;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;

/**
 * A request on its way, and when what happened to it, as {@link System#nanoTime} says.
 *
 * <p>Hears no more of the events than it needs, so that watching a request costs next to nothing.
 */
final class SentRequest implements Flow.Subscriber<PictureEvent> {
  private final int index;
  private final CompletableFuture<Void> heard = new CompletableFuture<>();
  private final CompletableFuture<SentRequest> whole;
  private Flow.Subscription subscription;
  private volatile OptionalLong started = OptionalLong.empty();
  private volatile OptionalLong firstToken = OptionalLong.empty();
  private volatile long ended;
  private volatile Optional<GeneratedImage> image = Optional.empty();
  private volatile Optional<Throwable> failure = Optional.empty();

  /**
   * Watches a job.
   *
   * @param index the caller's name for it
   * @param events whether start and first token are of interest
   */
  SentRequest(int index, PictureJob job, boolean events) {
    this.index = index;
    if (events) {
      job.events().subscribe(this);
    } else {
      heard.complete(null);
    }
    this.whole = job.result().handle(this::end).thenCombine(heard, (nothing, nothingElse) -> this);
  }

  private Void end(GeneratedImage made, Throwable thrown) {
    ended = System.nanoTime();
    image = Optional.ofNullable(made);
    failure = Optional.ofNullable(thrown);
    return null;
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    subscription = given;
    given.request(1);
  }

  @Override
  public void onNext(PictureEvent event) {
    long now = System.nanoTime();
    if (event instanceof PictureEvent.Started) {
      started = OptionalLong.of(now);
    }
    if (event instanceof PictureEvent.Progressed progressed
        && progressed.progress().stage() == Progress.Stage.TOKENS) {
      firstToken = OptionalLong.of(now);
      subscription.cancel();
      heard.complete(null);
      return;
    }
    subscription.request(1);
  }

  @Override
  public void onError(Throwable thrown) {
    heard.complete(null);
  }

  @Override
  public void onComplete() {
    heard.complete(null);
  }

  /** Completes when the request has ended and all that matters was heard; never with a failure. */
  CompletableFuture<SentRequest> whole() {
    return whole;
  }

  int index() {
    return index;
  }

  OptionalLong started() {
    return started;
  }

  OptionalLong firstToken() {
    return firstToken;
  }

  /** When it ended; of use once it has. */
  long ended() {
    return ended;
  }

  /** The picture of a request that ended well. */
  Optional<GeneratedImage> image() {
    return image;
  }

  /** The picture; of a request without one, why there is none is thrown. */
  GeneratedImage imageOrThrow() {
    return image.orElseThrow(
        () ->
            failure.orElseThrow() instanceof RuntimeException known
                ? known
                : new IllegalStateException("a request failed", failure.get()));
  }

  /** Why there is none. */
  Optional<Throwable> failure() {
    return failure;
  }
}
