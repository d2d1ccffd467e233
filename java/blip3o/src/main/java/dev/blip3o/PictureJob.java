package dev.blip3o;

import dev.blip3o.internal.RunningJob;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;

/**
 * A submitted picture, on its way or made: {@link Blip3oModel#submit}.
 *
 * <pre>{@code
 * PictureJob job = model.submit(ImageRequest.of("a red circle"));
 * job.result().thenAccept(image -> image.writePng(Path.of("picture.png")));
 * }</pre>
 *
 * <p>Threads: safe for use by any thread. Dependent stages of {@link #result} and subscribers of
 * {@link #events} run on the model's {@link ModelOptions#executor executor}, never on a thread that
 * the model needs.
 *
 * <p>A job that nobody refers to goes on, and keeps its model open until it has ended.
 */
public final class PictureJob {
  private final PictureRequest request;
  private final RunningJob job;
  private final JobFuture<GeneratedImage> result;
  private final EventPublisher events;

  PictureJob(
      PictureRequest request, JobRun<GeneratedImage> run, RunningJob job, Executor executor) {
    this.request = request;
    this.job = job;
    this.result = new JobFuture<>(executor);
    this.events = new EventPublisher(run.log(), executor);
    // However the future completes, by its own cancel or a time limit too, nobody waits any more.
    result.whenComplete((image, failure) -> job.cancel());
    run.outcome()
        .whenComplete((image, failure) -> executor.execute(() -> complete(image, failure)));
  }

  private void complete(GeneratedImage image, Throwable failure) {
    if (failure == null) {
      result.complete(image);
    } else {
      result.completeExceptionally(failure);
    }
  }

  /** The request with its seed and every default filled in, and count 1. */
  public PictureRequest request() {
    return request;
  }

  /**
   * The picture; always the same future. A failure completes it with its {@link Blip3oException}, a
   * cancelled job with {@link GenerationCancelledException}. Whoever cancels the future, or
   * completes it by other means, for example {@link CompletableFuture#orTimeout}, cancels the job.
   */
  public CompletableFuture<GeneratedImage> result() {
    return result;
  }

  /**
   * What happens to the picture, from the first event on, however late the subscription. Any number
   * of subscribers; each gets as many events as it requests, one call at a time, in order. Of
   * previews only the last is kept: a slow or late subscriber misses those before it.
   *
   * <p>{@code onComplete} follows {@link PictureEvent.Finished}. Failure and cancellation are an
   * {@code onError} with the exception of {@link #result}; it does not wait for demand. A
   * subscriber that throws is not called again; what it threw goes to the uncaught exception
   * handler of the executor's thread.
   */
  public Flow.Publisher<PictureEvent> events() {
    return events;
  }

  /**
   * Asks the job to stop and returns at once. It stops within one token, one step, one layer of a
   * prefill or one part of an autoencoder; a job that has ended stays as it is.
   */
  public void cancel() {
    job.cancel();
  }

  @Override
  public String toString() {
    return "PictureJob[" + request + "]";
  }
}
