package dev.blip3o.server.http;

import dev.blip3o.GeneratedImage;
import dev.blip3o.PictureJob;
import dev.blip3o.server.openai.Answers;
import dev.blip3o.server.openai.ApiException;
import dev.blip3o.server.pictures.PictureEncoder;
import dev.blip3o.server.pictures.PictureStore;
import dev.blip3o.server.pictures.PictureTooLargeException;
import dev.blip3o.server.pictures.StoredPicture;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.List;

/** All pictures of a request in one JSON object, when the last of them is made. */
final class PlainAnswer {
  private final RoutingContext context;
  private final Submission submission;
  private final Answers answers;
  private final PictureEncoder encoder;
  private final PictureStore store;
  private final String address;

  /**
   * An answer.
   *
   * @param address what stands before the id of a stored picture
   */
  PlainAnswer(
      RoutingContext context,
      Submission submission,
      Answers answers,
      PictureEncoder encoder,
      PictureStore store,
      String address) {
    this.context = context;
    this.submission = submission;
    this.answers = answers;
    this.encoder = encoder;
    this.store = store;
    this.address = address;
  }

  /** Answers when the pictures are there; as soon as one fails, with its error. */
  void send(Context loop) {
    List<Future<GeneratedImage>> images = new ArrayList<>();
    for (PictureJob job : submission.jobs()) {
      images.add(Future.fromCompletionStage(job.result(), loop));
    }
    Future.all(images)
        .compose(all -> loop.executeBlocking(() -> body(all.list()), false))
        .onSuccess(body -> Json.send(context.response(), body))
        .onFailure(context::fail);
  }

  private byte[] body(List<GeneratedImage> images) {
    List<Answers.Picture> pictures = new ArrayList<>();
    for (GeneratedImage image : images) {
      byte[] file = encoder.encode(image);
      pictures.add(
          submission.order().output().address()
              ? new Answers.Picture(null, address + keep(file), image.seed())
              : new Answers.Picture(file, null, image.seed()));
    }
    return Json.bytes(answers.whole(pictures, submission.usage()));
  }

  private String keep(byte[] file) {
    try {
      return store.put(new StoredPicture(file, encoder.format().contentType()));
    } catch (PictureTooLargeException e) {
      throw ApiException.invalid(e.getMessage(), "response_format");
    }
  }
}
