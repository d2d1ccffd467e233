package dev.blip3o.micrometer;

import dev.blip3o.Blip3oModel;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The metrics of an open model as Micrometer meters.
 *
 * <pre>{@code
 * try (Blip3oModel model = Blip3oModel.open(directory);
 *     Blip3oMetrics metrics = new Blip3oMetrics(model)) {
 *   metrics.bindTo(registry);
 *   ...
 * }
 * }</pre>
 *
 * <table>
 * <caption>Meters</caption>
 * <tr><th>name</th><th>kind</th><th>what</th></tr>
 * <tr><td>{@code blip3o.healthy}</td><td>gauge</td><td>1, or 0 once the device was lost, so that the
 *     process has to be restarted</td></tr>
 * <tr><td>{@code blip3o.queue.depth}</td><td>gauge</td><td>requests that wait to be started</td></tr>
 * <tr><td>{@code blip3o.requests.running}</td><td>gauge</td><td>requests that were started and have
 *     not ended</td></tr>
 * <tr><td>{@code blip3o.memory.used}, {@code .peak}, {@code .limit}</td><td>gauge, bytes</td><td>what
 *     requests, workspaces, caches and constants hold, held at most, and may hold</td></tr>
 * <tr><td>{@code blip3o.batch.occupancy}</td><td>gauge</td><td>requests that drew a token in one pass
 *     over the weights, on average since the model was opened</td></tr>
 * <tr><td>{@code blip3o.requests{outcome}}</td><td>counter</td><td>{@code done}, {@code failed},
 *     {@code cancelled}, {@code expired} (by its deadline), {@code refused} (the queue was full)
 *     </td></tr>
 * <tr><td>{@code blip3o.tokens}, {@code .steps}, {@code .pictures}, {@code .previews}</td>
 *     <td>counter</td><td>image tokens drawn, denoising steps, pictures decoded, previews made</td></tr>
 * <tr><td>{@code blip3o.prompts{result}}</td><td>counter</td><td>prompts that were {@code computed},
 *     or {@code reused} since they were known</td></tr>
 * <tr><td>{@code blip3o.queue.wait}</td><td>timer</td><td>from submission to start</td></tr>
 * <tr><td>{@code blip3o.first.token}</td><td>timer</td><td>from submission to the first image
 *     token</td></tr>
 * <tr><td>{@code blip3o.stage.time{stage}}</td><td>counter, seconds</td><td>work on {@code encode},
 *     {@code prefill}, {@code tokens}, {@code condition}, {@code steps}, {@code decode}</td></tr>
 * </table>
 *
 * <p>Several models in one registry need a tag each, for example {@code Tag.of("model", "demo")}.
 *
 * <p>Registries don't keep the model open or reachable. Once it is closed or forgotten its gauges
 * are NaN and its counters and timers stay as they were last read; {@link #close} takes the meters
 * out of the registries.
 *
 * <p>Threads: safe for use by any thread.
 */
public final class Blip3oMetrics implements MeterBinder, AutoCloseable {
  private final ModelMeters<Blip3oModel> meters;

  /** A registry, and what was put into it. */
  private record Bound(MeterRegistry registry, List<Meter> meters) {}

  private final List<Bound> bound = new ArrayList<>();

  /** The metrics of {@code model}, with no tags of their own. */
  public Blip3oMetrics(Blip3oModel model) {
    this(model, Tags.empty());
  }

  /** The metrics of {@code model}; every meter has {@code tags}. */
  public Blip3oMetrics(Blip3oModel model, Iterable<Tag> tags) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(tags, "tags");
    this.meters = new ModelMeters<>(model, Blip3oModel::metrics, tags);
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    List<Meter> registered = meters.register(registry);
    synchronized (bound) {
      bound.add(new Bound(registry, registered));
    }
  }

  /** Takes the meters out of the registries again. A second call has no effect. */
  @Override
  public void close() {
    List<Bound> leaving;
    synchronized (bound) {
      leaving = List.copyOf(bound);
      bound.clear();
    }
    leaving.forEach(each -> each.meters().forEach(each.registry()::remove));
  }
}
