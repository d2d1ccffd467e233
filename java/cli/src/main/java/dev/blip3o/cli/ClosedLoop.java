package dev.blip3o.cli;

import dev.blip3o.GeneratedImage;
import dev.blip3o.ModelMetrics;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The same requests one after the other and all at once, in turns. */
final class ClosedLoop {
  private final LoadGenerator load;
  private final ServeSettings settings;
  private final ProgressDisplay display;

  /** What each request drew first. */
  private final List<GeneratedImage> pictures;

  ClosedLoop(LoadGenerator load, ServeSettings settings, ProgressDisplay display) {
    this.load = load;
    this.settings = settings;
    this.display = display;
    this.pictures =
        new ArrayList<>(Collections.nCopies(settings.concurrency(), (GeneratedImage) null));
  }

  /**
   * One way of running the requests.
   *
   * @param requests in each round
   * @param nanos each round's time, from the first submission to the last end
   * @param work of all rounds
   */
  record Way(int requests, List<Long> nanos, WorkDone work) {
    double medianSeconds() {
      return Distribution.of(nanos).median() / 1e9;
    }

    double picturesPerSecond() {
      return requests / medianSeconds();
    }
  }

  /** Both ways. */
  record Result(Way apart, Way together) {
    /** How many times as fast the requests are at once. */
    double speedup() {
      return apart.medianSeconds() / together.medianSeconds();
    }
  }

  /** Runs all requests at once, so that whatever is made once is made. */
  void warmUp() {
    round("warm-up", true);
  }

  /**
   * Runs both ways in turns: whoever was first in one round is second in the next.
   *
   * @throws CliException if a picture depends on what ran beside it
   */
  Result run() {
    List<List<Long>> nanos = List.of(new ArrayList<>(), new ArrayList<>());
    WorkDone[] work = {WorkDone.NONE, WorkDone.NONE};
    for (int turn = 0; turn < 2 * settings.rounds(); turn++) {
      int way = (turn + turn / 2) % 2;
      ModelMetrics before = load.metrics();
      nanos.get(way).add(round(title(turn / 2, way), way == 1));
      work[way] = work[way].plus(WorkDone.between(before, load.metrics()));
    }
    return new Result(
        new Way(settings.concurrency(), nanos.get(0), work[0]),
        new Way(settings.concurrency(), nanos.get(1), work[1]));
  }

  private String title(int round, int way) {
    String part = way == 0 ? "part 1, one after the other" : "part 2, all at once";
    return part + ", round " + (round + 1) + "/" + settings.rounds();
  }

  /** Runs the requests; how many nanoseconds that took. */
  private long round(String title, boolean together) {
    int count = settings.concurrency();
    List<SentRequest> ended = new ArrayList<>();
    int sent = 0;
    long begin = System.nanoTime();
    while (ended.size() < count) {
      while (sent < count && (together || sent == ended.size())) {
        load.send(sent, settings.closed(sent), false);
        sent++;
      }
      ended.add(load.next());
      display.count(title, ended.size(), count);
    }
    ended.forEach(this::check);
    return ended.stream().mapToLong(request -> request.ended() - begin).max().orElseThrow();
  }

  private void check(SentRequest request) {
    GeneratedImage image = request.imageOrThrow();
    GeneratedImage first = pictures.get(request.index());
    if (first == null) {
      pictures.set(request.index(), image);
    } else if (!first.rgb().equals(image.rgb())) {
      throw new CliException(
          "request "
              + request.index()
              + " drew another picture beside other requests than before; this is a defect, please"
              + " report it");
    }
  }
}
