package dev.blip3o.cli;

import dev.blip3o.DeadlineExceededException;
import dev.blip3o.ModelMetrics;
import dev.blip3o.QueueFullException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Requests that arrive when they do, however many are under way: what a service sees. Times count
 * from the planned arrival, so that a model too slow for its load can't hide it.
 */
final class OpenLoop {
  private final LoadGenerator load;
  private final ServeSettings settings;
  private final ProgressDisplay display;
  private final List<Long> latencies = new ArrayList<>();
  private final List<Long> queueTimes = new ArrayList<>();
  private final List<Long> firstTokens = new ArrayList<>();
  private int refused;
  private int expired;
  private int failed;
  private Optional<Throwable> firstFailure = Optional.empty();

  OpenLoop(LoadGenerator load, ServeSettings settings, ProgressDisplay display) {
    this.load = load;
    this.settings = settings;
    this.display = display;
  }

  /**
   * What became of the requests.
   *
   * @param rate at which they arrived on average, as it was asked for
   * @param nanos from the beginning to the last end
   * @param refused requests that the full queue refused
   * @param expired requests that missed their deadline
   * @param failed requests that failed otherwise
   * @param latency arrival to picture, of those that were done
   * @param queueTime arrival to start, of those that were started
   * @param firstToken arrival to first image token, of those that came so far
   */
  record Result(
      double rate,
      long nanos,
      int refused,
      int expired,
      int failed,
      Optional<Throwable> firstFailure,
      Distribution latency,
      Distribution queueTime,
      Distribution firstToken,
      WorkDone work) {
    int done() {
      return latency.count();
    }

    int requests() {
      return done() + refused + expired + failed;
    }

    double seconds() {
      return nanos / 1e9;
    }
  }

  /** Runs all requests to their ends. */
  Result run(double rate) {
    int count = settings.requests();
    long[] arrivals = Arrivals.poisson(settings.seed(), rate, count);
    ModelMetrics before = load.metrics();
    long begin = System.nanoTime();
    int sent = 0;
    while (ended() < count) {
      long wait = sent < count ? arrivals[sent] - (System.nanoTime() - begin) : Long.MAX_VALUE;
      if (wait <= 0) {
        send(sent++);
      } else {
        load.next(wait).ifPresent(request -> note(request, begin + arrivals[request.index()]));
      }
    }
    long nanos = System.nanoTime() - begin;
    return new Result(
        rate,
        nanos,
        refused,
        expired,
        failed,
        firstFailure,
        Distribution.of(latencies),
        Distribution.of(queueTimes),
        Distribution.of(firstTokens),
        WorkDone.between(before, load.metrics()));
  }

  private int ended() {
    return latencies.size() + refused + expired + failed;
  }

  private void send(int index) {
    try {
      load.send(index, settings.open(index), true);
    } catch (QueueFullException e) {
      refused++;
      show();
    }
  }

  private void note(SentRequest request, long arrival) {
    request.started().ifPresent(time -> queueTimes.add(time - arrival));
    request.firstToken().ifPresent(time -> firstTokens.add(time - arrival));
    if (request.image().isPresent()) {
      latencies.add(request.ended() - arrival);
    } else {
      noteFailure(request.failure().orElseThrow());
    }
    show();
  }

  private void noteFailure(Throwable failure) {
    if (failure instanceof DeadlineExceededException) {
      expired++;
      return;
    }
    failed++;
    if (firstFailure.isEmpty()) {
      firstFailure = Optional.of(failure);
    }
  }

  private void show() {
    display.count("part 3, as they come", ended(), settings.requests());
  }
}
