package dev.blip3o.server.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blip3o.GeneratedImage;
import dev.blip3o.PictureEvent;
import dev.blip3o.Progress;
import dev.blip3o.server.openai.Answers;
import io.vertx.core.buffer.Buffer;
import java.util.Locale;
import java.util.concurrent.Flow;

/** Turns what happens to one picture into events of a stream, one after the other. */
final class PictureSubscriber implements Flow.Subscriber<PictureEvent> {
  /** Of a stage's progress no more events than these are sent, however many units it has. */
  private static final int EVENTS = 32;

  private final StreamAnswer answer;
  private final int picture;
  private Flow.Subscription subscription;
  private int partialImages;

  PictureSubscriber(StreamAnswer answer, int picture) {
    this.answer = answer;
    this.picture = picture;
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    this.subscription = subscription;
    next();
  }

  /** The next event is asked for when the last one is sent: so their order stays. */
  private void next() {
    subscription.request(1);
  }

  @Override
  public void onNext(PictureEvent event) {
    if (event instanceof PictureEvent.Preview preview) {
      preview(preview);
    } else if (event instanceof PictureEvent.Finished finished) {
      finished(finished.image());
    } else if (answer.order().progress() && event instanceof PictureEvent.Queued queued) {
      progress("queued", queued.ahead(), 0);
    } else if (answer.order().progress() && event instanceof PictureEvent.Progressed progressed) {
      progress(progressed.progress());
    } else {
      next();
    }
  }

  private void progress(Progress progress) {
    int every = Math.max(1, progress.count() / EVENTS);
    if (progress.index() % every == 0 || progress.index() == progress.count()) {
      String stage = progress.stage().name().toLowerCase(Locale.ROOT);
      progress(stage, progress.index(), progress.count());
    } else {
      next();
    }
  }

  private void progress(String stage, int done, int total) {
    answer.send(event(answer.answers().progress(picture, stage, done, total)), this::next);
  }

  private void preview(PictureEvent.Preview preview) {
    if (partialImages == answer.order().partialImages()) {
      next();
      return;
    }
    int index = partialImages++;
    answer.make(() -> event(partial(preview, index)), true, this::next);
  }

  private ObjectNode partial(PictureEvent.Preview preview, int index) {
    Answers answers = answer.answers();
    byte[] file = answer.encoder().encodePreview(preview.png(), answers.width(), answers.height());
    return answers.partial(picture, index, file);
  }

  private void finished(GeneratedImage image) {
    answer.make(() -> event(completed(image)), false, answer::finished);
  }

  private ObjectNode completed(GeneratedImage image) {
    byte[] file = answer.encoder().encode(image);
    return answer
        .answers()
        .completed(picture, new Answers.Picture(file, null, image.seed()), answer.usage());
  }

  private static Buffer event(ObjectNode event) {
    return EventStream.event(event.path("type").textValue(), Json.bytes(event));
  }

  @Override
  public void onError(Throwable failure) {
    answer.fail(failure);
  }

  @Override
  public void onComplete() {
    // The stream ends with the last picture, which is encoded after this.
  }
}
