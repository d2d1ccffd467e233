package dev.blip3o.server.http;

import dev.blip3o.PictureJob;
import dev.blip3o.server.openai.Answers;
import dev.blip3o.server.openai.ApiError;
import dev.blip3o.server.openai.PictureOrder;
import dev.blip3o.server.openai.Usage;
import dev.blip3o.server.pictures.PictureEncoder;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Function;

/**
 * The pictures of a request as events, each as soon as it is there. The first failure ends it.
 *
 * <p>Threads: for the request's event loop alone, but where it says otherwise.
 */
final class StreamAnswer {
  private final Submission submission;
  private final Answers answers;
  private final PictureEncoder encoder;
  private final EventStream stream;
  private final Context loop;
  private final Function<Throwable, ApiError> errors;
  private int unfinished;

  /**
   * An answer.
   *
   * @param errors makes the error object of what was thrown
   */
  StreamAnswer(
      Submission submission,
      Answers answers,
      PictureEncoder encoder,
      EventStream stream,
      Context loop,
      Function<Throwable, ApiError> errors) {
    this.submission = submission;
    this.answers = answers;
    this.encoder = encoder;
    this.stream = stream;
    this.loop = loop;
    this.errors = errors;
    this.unfinished = submission.jobs().size();
  }

  /** Begins to listen to the jobs. */
  void send() {
    List<PictureJob> jobs = submission.jobs();
    for (int k = 0; k < jobs.size(); k++) {
      jobs.get(k).events().subscribe(new PictureSubscriber(this, k));
    }
  }

  PictureOrder order() {
    return submission.order();
  }

  Answers answers() {
    return answers;
  }

  PictureEncoder encoder() {
    return encoder;
  }

  Usage usage() {
    return submission.usage().ofOne(submission.jobs().size());
  }

  /** Any thread: sends an event that is made at once, then runs {@code next} on the loop. */
  void send(Buffer event, Runnable next) {
    loop.runOnContext(
        nothing -> {
          stream.send(event);
          next.run();
        });
  }

  /**
   * Any thread: makes an event on a worker and sends it, then runs {@code next} on the loop.
   *
   * @param optional whether it is left out where the client reads too slowly
   */
  void make(Callable<Buffer> event, boolean optional, Runnable next) {
    loop.runOnContext(
        nothing -> {
          if (stream.ended() || (optional && stream.full())) {
            next.run();
            return;
          }
          loop.executeBlocking(event, false)
              .onSuccess(
                  made -> {
                    stream.send(made);
                    next.run();
                  })
              .onFailure(this::failed);
        });
  }

  /** On the loop: one picture is sent. */
  void finished() {
    unfinished--;
    if (unfinished == 0) {
      stream.end();
    }
  }

  /** Any thread. */
  void fail(Throwable failure) {
    loop.runOnContext(nothing -> failed(failure));
  }

  private void failed(Throwable failure) {
    if (!stream.ended()) {
      stream.fail(errors.apply(failure));
    }
  }
}
