package dev.blip3o.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Locale;
import java.util.OptionalLong;

/** What {@code bench serve} found, for programs. */
final class ServeJson {
  private ServeJson() {}

  /** The report as JSON; times are in seconds, sizes in bytes, null is what there was none of. */
  static ObjectNode of(ServeReport report) {
    ObjectNode root = new JsonMapper().createObjectNode();
    putModel(report, root.putObject("model"));
    putRequests(report, root.putObject("requests"));
    putClosed(report, root.putObject("closed"));
    putOpen(report, root.putObject("open"));
    ObjectNode memory = root.putObject("memory");
    memory.put("peak_bytes", report.metrics().memoryPeakBytes());
    memory.put("limit_bytes", report.metrics().memoryLimitBytes());
    OptionalLong peak = report.processPeakBytes();
    memory.put("process_peak_bytes", peak.isPresent() ? (Long) peak.getAsLong() : null);
    return root;
  }

  private static void putModel(ServeReport report, ObjectNode model) {
    model.put("directory", report.info().directory().toString());
    model.put("compute", report.compute());
    model.put("backend", report.info().backend());
    model.put("device", report.info().device().name().toLowerCase(Locale.ROOT));
    ArrayNode quantization = model.putArray("quantization");
    report.info().quantization().stream()
        .sorted()
        .forEach(part -> quantization.add(part.name().toLowerCase(Locale.ROOT)));
    model.put("threads", report.info().threads());
    model.put("image_tokens", report.info().imageTokens());
    model.put("picture_width", report.info().pictureWidth());
    model.put("picture_height", report.info().pictureHeight());
    model.put("weight_bytes", report.info().weightBytes());
  }

  private static void putRequests(ServeReport report, ObjectNode requests) {
    requests.put("prompts", report.settings().prompts().texts().size());
    requests.put("prompts_from", report.settings().prompts().source());
    requests.put("steps", report.steps());
    requests.put("guidance", report.guidance());
    requests.put("seed", Long.toUnsignedString(report.settings().seed()));
  }

  private static void putClosed(ServeReport report, ObjectNode object) {
    object.put("concurrency", report.settings().concurrency());
    object.put("rounds", report.settings().rounds());
    putWay(object.putObject("one_after_the_other"), report.closed().apart());
    putWay(object.putObject("all_at_once"), report.closed().together());
    object.put("speedup", report.closed().speedup());
  }

  private static void putWay(ObjectNode object, ClosedLoop.Way way) {
    ArrayNode seconds = object.putArray("seconds");
    way.nanos().forEach(nanos -> seconds.add(nanos / 1e9));
    object.put("median_seconds", way.medianSeconds());
    object.put("pictures_per_second", way.picturesPerSecond());
    putWork(object, way.work());
  }

  private static void putOpen(ServeReport report, ObjectNode object) {
    OpenLoop.Result open = report.open();
    object.put("rate", open.rate());
    object.put(
        "deadline_seconds", report.settings().deadline().map(ServeJson::seconds).orElse(null));
    object.put("requests", open.requests());
    object.put("done", open.done());
    object.put("refused", open.refused());
    object.put("expired", open.expired());
    object.put("failed", open.failed());
    object.put("seconds", open.seconds());
    object.put("pictures_per_second", open.done() / open.seconds());
    object.put("tokens_per_second", open.work().tokens() / open.seconds());
    object.put("steps_per_second", open.work().steps() / open.seconds());
    putTimes(object.putObject("latency_seconds"), open.latency());
    putTimes(object.putObject("queue_seconds"), open.queueTime());
    putTimes(object.putObject("first_token_seconds"), open.firstToken());
    putWork(object, open.work());
  }

  private static Double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }

  private static void putWork(ObjectNode object, WorkDone work) {
    object.put("tokens", work.tokens());
    object.put("token_batches", work.tokenBatches());
    object.put("token_batch_occupancy", work.tokenBatchOccupancy());
    object.put("steps", work.steps());
    object.put("pictures", work.pictures());
    object.put("prompts_computed", work.promptsComputed());
    object.put("prompts_reused", work.promptsReused());
  }

  private static void putTimes(ObjectNode object, Distribution times) {
    object.put("count", times.count());
    if (times.isEmpty()) {
      return;
    }
    object.put("mean", times.mean() / 1e9);
    for (int percent : new int[] {50, 95, 99}) {
      object.put("p" + percent, times.percentile(percent) / 1e9);
    }
    object.put("max", times.max() / 1e9);
  }
}
