package dev.blip3o.micrometer;

import dev.blip3o.ModelMetrics;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.BaseUnits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/**
 * Makes the meters of a source of metrics. Meters refer to the source weakly, as Micrometer does,
 * and to what was read of it last.
 *
 * @param <S> the source: a model, which may be closed at any time
 */
final class ModelMeters<S> {
  private static final double NANOS_PER_SECOND = 1e9;

  private final S source;
  private final Reader<S> reader;
  private final Iterable<Tag> tags;

  /**
   * Meters of {@code source}.
   *
   * @param read reads it; must not refer to it; throws {@link IllegalStateException} once it is
   *     closed
   */
  ModelMeters(S source, Function<S, ModelMetrics> read, Iterable<Tag> tags) {
    this.source = source;
    this.reader = new Reader<>(read);
    this.tags = tags;
    reader.read(source);
  }

  /** Reads the source, and keeps what was read last. */
  private static final class Reader<S> {
    private final Function<S, ModelMetrics> read;
    private volatile ModelMetrics last;

    Reader(Function<S, ModelMetrics> read) {
      this.read = read;
    }

    /** Empty once the source is closed: what reads meters goes on without it. */
    Optional<ModelMetrics> read(S source) {
      try {
        ModelMetrics now = read.apply(source);
        last = now;
        return Optional.of(now);
      } catch (IllegalStateException e) {
        return Optional.empty();
      }
    }

    double now(S source, ToDoubleFunction<ModelMetrics> value) {
      return read(source).map(value::applyAsDouble).orElse(Double.NaN);
    }

    /** Of a source that was closed before anything was read: zero. */
    double sum(S source, ToDoubleFunction<ModelMetrics> value) {
      ModelMetrics metrics = read(source).orElse(last);
      return metrics == null ? 0 : value.applyAsDouble(metrics);
    }
  }

  /** Puts all meters into {@code registry}. */
  List<Meter> register(MeterRegistry registry) {
    Registration to = new Registration(registry, new ArrayList<>());
    gauges(to);
    counters(to);
    timers(to);
    return List.copyOf(to.meters);
  }

  private void gauges(Registration to) {
    gauge(
        to,
        "healthy",
        null,
        "1, or 0 once the device was lost",
        metrics -> metrics.healthy() ? 1 : 0);
    gauge(to, "queue.depth", null, "requests that wait to be started", ModelMetrics::queued);
    gauge(to, "requests.running", null, "requests that are worked on", ModelMetrics::running);
    String bytes = BaseUnits.BYTES;
    gauge(to, "memory.used", bytes, "memory held", ModelMetrics::memoryInUseBytes);
    gauge(to, "memory.peak", bytes, "the most memory held", ModelMetrics::memoryPeakBytes);
    gauge(to, "memory.limit", bytes, "memory that may be held", ModelMetrics::memoryLimitBytes);
    gauge(
        to,
        "batch.occupancy",
        null,
        "requests that drew a token in one pass over the weights, on average",
        ModelMetrics::tokenBatchOccupancy);
  }

  private void counters(Registration to) {
    request(to, "done", ModelMetrics::done);
    request(to, "failed", ModelMetrics::failed);
    request(to, "cancelled", ModelMetrics::cancelled);
    request(to, "expired", ModelMetrics::expired);
    request(to, "refused", ModelMetrics::refused);
    counter(to, "tokens", Tags.empty(), null, "image tokens drawn", ModelMetrics::tokens);
    counter(to, "steps", Tags.empty(), null, "denoising steps", ModelMetrics::steps);
    counter(to, "pictures", Tags.empty(), null, "pictures decoded", ModelMetrics::pictures);
    counter(to, "previews", Tags.empty(), null, "previews made", ModelMetrics::previews);
    prompt(to, "computed", ModelMetrics::promptsComputed);
    prompt(to, "reused", ModelMetrics::promptsReused);
    stage(to, "encode", ModelMetrics::encodeTime);
    stage(to, "prefill", ModelMetrics::prefillTime);
    stage(to, "tokens", ModelMetrics::tokensTime);
    stage(to, "condition", ModelMetrics::conditionTime);
    stage(to, "steps", ModelMetrics::stepsTime);
    stage(to, "decode", ModelMetrics::decodeTime);
  }

  private void timers(Registration to) {
    timer(
        to,
        "queue.wait",
        "from submission to start",
        ModelMetrics::started,
        ModelMetrics::queueTime);
    timer(
        to,
        "first.token",
        "from submission to the first image token",
        ModelMetrics::firstTokens,
        ModelMetrics::firstTokenTime);
  }

  private void request(Registration to, String outcome, ToDoubleFunction<ModelMetrics> value) {
    counter(to, "requests", Tags.of("outcome", outcome), null, "requests by their ends", value);
  }

  private void prompt(Registration to, String result, ToDoubleFunction<ModelMetrics> value) {
    counter(
        to,
        "prompts",
        Tags.of("result", result),
        null,
        "prompts computed, or known already",
        value);
  }

  private void stage(Registration to, String stage, Function<ModelMetrics, Duration> time) {
    counter(
        to,
        "stage.time",
        Tags.of("stage", stage),
        "seconds",
        "work by stage; stages run beside each other",
        metrics -> time.apply(metrics).toNanos() / NANOS_PER_SECOND);
  }

  private void gauge(
      Registration to,
      String name,
      String unit,
      String description,
      ToDoubleFunction<ModelMetrics> value) {
    Reader<S> from = reader;
    to.add(
        Gauge.builder(name(name), source, current -> from.now(current, value))
            .baseUnit(unit)
            .description(description)
            .tags(tags)
            .register(to.registry));
  }

  private void counter(
      Registration to,
      String name,
      Tags own,
      String unit,
      String description,
      ToDoubleFunction<ModelMetrics> value) {
    Reader<S> from = reader;
    to.add(
        FunctionCounter.builder(name(name), source, current -> from.sum(current, value))
            .baseUnit(unit)
            .description(description)
            .tags(own.and(tags))
            .register(to.registry));
  }

  private void timer(
      Registration to,
      String name,
      String description,
      ToLongFunction<ModelMetrics> count,
      Function<ModelMetrics, Duration> total) {
    Reader<S> from = reader;
    to.add(
        FunctionTimer.builder(
                name(name),
                source,
                current -> (long) from.sum(current, count::applyAsLong),
                current -> from.sum(current, metrics -> total.apply(metrics).toNanos()),
                TimeUnit.NANOSECONDS)
            .description(description)
            .tags(tags)
            .register(to.registry));
  }

  private static String name(String name) {
    return "blip3o." + name;
  }

  /** A registry, and what was put into it so far. */
  private record Registration(MeterRegistry registry, List<Meter> meters) {
    void add(Meter meter) {
      meters.add(meter);
    }
  }
}
