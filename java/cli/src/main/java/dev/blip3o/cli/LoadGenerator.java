package dev.blip3o.cli;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.ImageRequest;
import dev.blip3o.ModelMetrics;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Sends requests to a model and hears of their ends.
 *
 * <p>Used by one thread.
 */
final class LoadGenerator {
  /** How long a cancellation may go unnoticed. */
  private static final long LOOK_NANOS = 50_000_000;

  private final Blip3oModel model;
  private final CancellationToken cancellation;
  private final BlockingQueue<SentRequest> ended = new LinkedBlockingQueue<>();

  LoadGenerator(Blip3oModel model, CancellationToken cancellation) {
    this.model = model;
    this.cancellation = cancellation;
  }

  ModelMetrics metrics() {
    return model.metrics();
  }

  /**
   * Submits a request; {@link #next} gives it back when it has ended.
   *
   * @param watched whether its start and first token are of interest
   * @throws dev.blip3o.QueueFullException if it was refused
   */
  void send(int index, ImageRequest request, boolean watched) {
    new SentRequest(index, model.submit(request), watched).whole().thenAccept(ended::add);
  }

  /** The next request that has ended. */
  SentRequest next() {
    while (true) {
      Optional<SentRequest> request = next(LOOK_NANOS);
      if (request.isPresent()) {
        return request.get();
      }
    }
  }

  /**
   * The next request that has ended, if one ends in time.
   *
   * @param nanos how long to wait at most; it may be less
   * @throws GenerationCancelledException if the command was cancelled
   */
  Optional<SentRequest> next(long nanos) {
    if (cancellation.isCancelled()) {
      throw new GenerationCancelledException("the benchmark was cancelled");
    }
    try {
      return Optional.ofNullable(ended.poll(Math.min(nanos, LOOK_NANOS), TimeUnit.NANOSECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GenerationCancelledException("the benchmark was interrupted", e);
    }
  }
}
