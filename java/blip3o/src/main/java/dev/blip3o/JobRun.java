package dev.blip3o;

import dev.blip3o.internal.JobEvent;
import dev.blip3o.internal.JobOutputs;
import dev.blip3o.internal.JobSink;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * What becomes of one job: its events and its outcome, which is there before the log ends.
 *
 * @param <T> what is made of the job's outputs
 */
final class JobRun<T> implements JobSink {
  private final EventLog log = new EventLog();
  private final CompletableFuture<T> outcome = new CompletableFuture<>();
  private final Function<JobOutputs, T> finish;
  private final int picture;
  private final int pictures;

  /**
   * A run of picture {@code picture} of {@code pictures}.
   *
   * @param finish makes the outcome, on the event thread: brief
   */
  JobRun(Function<JobOutputs, T> finish, int picture, int pictures) {
    this.finish = finish;
    this.picture = picture;
    this.pictures = pictures;
  }

  /** The events. */
  EventLog log() {
    return log;
  }

  /** The outcome; completed on the event thread, so that nothing of the user's may hang on it. */
  CompletableFuture<T> outcome() {
    return outcome;
  }

  @Override
  public void event(JobEvent event) {
    if (event instanceof JobEvent.Preview preview) {
      log.addPreview(new LazyPreview(preview));
    } else {
      log.add(translate(event));
    }
  }

  private PictureEvent translate(JobEvent event) {
    if (event instanceof JobEvent.Queued queued) {
      return new PictureEvent.Queued(queued.ahead());
    }
    if (event instanceof JobEvent.Progress progress) {
      return new PictureEvent.Progressed(
          new Progress(
              stage(progress.unit()), progress.index(), progress.count(), picture, pictures));
    }
    return new PictureEvent.Started();
  }

  private static Progress.Stage stage(JobEvent.Unit unit) {
    return switch (unit) {
      case ENCODE -> Progress.Stage.ENCODE;
      case TOKEN -> Progress.Stage.TOKENS;
      case STEP -> Progress.Stage.STEPS;
      case DECODE -> Progress.Stage.DECODE;
    };
  }

  @Override
  public void done(JobOutputs outputs) {
    T value;
    try {
      value = finish.apply(outputs);
    } catch (RuntimeException | Error e) {
      failed(new InternalErrorException("the results of a request are not as expected: " + e, e));
      return;
    }
    outcome.complete(value);
    if (value instanceof GeneratedImage image) {
      log.add(new PictureEvent.Finished(image));
    }
    log.end(Optional.empty());
  }

  @Override
  public void failed(Blip3oException failure) {
    outcome.completeExceptionally(failure);
    log.end(Optional.of(failure));
  }
}
