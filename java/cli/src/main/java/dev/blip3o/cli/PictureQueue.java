package dev.blip3o.cli;

import dev.blip3o.Blip3oModel;
import dev.blip3o.GeneratedImage;
import dev.blip3o.PictureEvent;
import dev.blip3o.PictureJob;
import dev.blip3o.PictureRequest;
import dev.blip3o.Progress;
import dev.blip3o.ProgressListener;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;

/**
 * The pictures of a run on their way through a model: a few at once, which share its work, and
 * those that come first go first. They are taken in their order.
 *
 * <p>Used by the main thread.
 */
final class PictureQueue {
  /** How many pictures are on their way at once, so that no more are held in memory either. */
  static final int SIZE = 8;

  private final Blip3oModel model;
  private final MainLoop loop;
  private final List<PictureRequest> requests;
  private final ProgressDisplay display;
  private final ProgressListener listener;
  private final Deque<CompletableFuture<GeneratedImage>> flying = new ArrayDeque<>();
  private int submitted;
  private int taken;

  /**
   * A queue.
   *
   * @param loop the model's executor
   * @param requests one for each picture
   * @param listener hears of all progress, besides the display
   */
  PictureQueue(
      Blip3oModel model,
      MainLoop loop,
      List<PictureRequest> requests,
      ProgressDisplay display,
      ProgressListener listener) {
    this.model = model;
    this.loop = loop;
    this.requests = requests;
    this.display = display;
    this.listener = listener;
  }

  /** Waits for the next picture. */
  GeneratedImage next() {
    while (submitted < requests.size() && flying.size() < SIZE) {
      flying.add(submit(submitted));
      submitted++;
    }
    GeneratedImage image = loop.await(flying.remove());
    taken++;
    display.endPicture(taken);
    return image;
  }

  /** A refusal is thrown when it is the picture's turn: those before it are made. */
  private CompletableFuture<GeneratedImage> submit(int index) {
    PictureRequest request = requests.get(index).toBuilder().priority(priority(index)).build();
    ProgressDisplay.Picture shown = display.startPicture(index + 1, requests.size());
    try {
      PictureJob job = model.submit(request);
      job.events().subscribe(new Events(shown));
      return job.result();
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** From the highest to the lowest; what comes after that many is as good as the last. */
  private static int priority(int index) {
    return Math.max(-PictureRequest.MAX_PRIORITY, PictureRequest.MAX_PRIORITY - index);
  }

  /** Shows the events of one picture. */
  private final class Events implements Flow.Subscriber<PictureEvent> {
    private final ProgressDisplay.Picture shown;

    Events(ProgressDisplay.Picture shown) {
      this.shown = shown;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(PictureEvent event) {
      if (event instanceof PictureEvent.Started) {
        shown.begin();
      } else if (event instanceof PictureEvent.Progressed progressed) {
        Progress progress = progressed.progress();
        listener.onProgress(progress);
        shown.onProgress(progress);
      }
    }

    @Override
    public void onError(Throwable error) {} // It is the result's too.

    @Override
    public void onComplete() {}
  }
}
