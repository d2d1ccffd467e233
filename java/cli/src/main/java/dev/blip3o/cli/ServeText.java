package dev.blip3o.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.OptionalLong;

/** What {@code bench serve} found, for people. */
final class ServeText {
  private static final String ROW = "  %-18s %s%n";
  private static final String CLOSED_ROW = "  %-18s %20s %14s%n";

  private final ServeReport report;

  ServeText(ServeReport report) {
    this.report = report;
  }

  /** Prints all of it. */
  void print(PrintWriter out) {
    printHead(out);
    printClosed(out);
    printOpen(out);
    printMemory(out);
    out.flush();
  }

  private void printHead(PrintWriter out) {
    out.printf(
        Locale.ROOT,
        "%s: %s; %d tokens, %d steps, guidance %s a picture%n",
        Text.oneLine(report.info().directory().toString()),
        ComputedBy.text(report.info()),
        report.info().imageTokens(),
        report.steps(),
        report.guidance());
    out.printf(
        Locale.ROOT,
        "%s from %s, seeds from %s%n",
        Text.plural(report.settings().prompts().texts().size(), "prompt"),
        report.settings().prompts().source(),
        Long.toUnsignedString(report.settings().seed()));
  }

  private void printClosed(PrintWriter out) {
    ClosedLoop.Way apart = report.closed().apart();
    ClosedLoop.Way together = report.closed().together();
    out.println();
    out.printf(
        Locale.ROOT,
        "%s, %s in turns, medians%n",
        Text.plural(report.settings().concurrency(), "request"),
        Text.plural(report.settings().rounds(), "round"));
    out.printf(Locale.ROOT, CLOSED_ROW, "", "one after the other", "all at once");
    out.printf(
        Locale.ROOT,
        CLOSED_ROW,
        "time",
        Text.seconds(Math.round(apart.medianSeconds() * 1e9)),
        Text.seconds(Math.round(together.medianSeconds() * 1e9)));
    out.printf(
        Locale.ROOT,
        CLOSED_ROW,
        "pictures/s",
        number(apart.picturesPerSecond()),
        number(together.picturesPerSecond()));
    out.printf(
        Locale.ROOT,
        CLOSED_ROW,
        "tokens a batch",
        number(apart.work().tokenBatchOccupancy()),
        number(together.work().tokenBatchOccupancy()));
    out.printf(
        Locale.ROOT,
        "All at once is %s times as fast; same pictures.%n",
        number(report.closed().speedup()));
  }

  private void printOpen(PrintWriter out) {
    OpenLoop.Result open = report.open();
    out.println();
    out.printf(
        Locale.ROOT,
        "%s as they come, %s a second on average%s%s%n",
        Text.plural(report.settings().requests(), "request"),
        number(open.rate()),
        report.settings().rate().isPresent() ? "" : " (80 % of all at once)",
        report
            .settings()
            .deadline()
            .map(deadline -> ", each within " + Text.seconds(deadline))
            .orElse(""));
    out.printf(
        Locale.ROOT,
        ROW,
        "ended",
        String.format(
            Locale.ROOT,
            "%d done, %d refused, %d expired, %d failed",
            open.done(),
            open.refused(),
            open.expired(),
            open.failed()));
    row(out, "throughput", number(open.done() / open.seconds()) + " pictures/s");
    row(out, "latency", percentiles(open.latency()));
    row(out, "queue time", meanAndTail(open.queueTime()));
    row(out, "first token", meanAndTail(open.firstToken()));
    row(out, "batch occupancy", number(open.work().tokenBatchOccupancy()) + " tokens a batch");
    row(
        out,
        "work",
        String.format(
            Locale.ROOT,
            "%s tokens/s, %s steps/s",
            number(open.work().tokens() / open.seconds()),
            number(open.work().steps() / open.seconds())));
  }

  private void printMemory(PrintWriter out) {
    OptionalLong peak = report.processPeakBytes();
    String process =
        peak.isPresent() ? ", " + Text.bytes(peak.getAsLong()) + " of the whole process" : "";
    row(
        out,
        "peak memory",
        Text.bytes(report.metrics().memoryPeakBytes()) + " of requests and caches" + process);
  }

  private static void row(PrintWriter out, String name, String value) {
    out.printf(Locale.ROOT, ROW, name, value);
  }

  private static String percentiles(Distribution times) {
    return times.isEmpty()
        ? "-"
        : "p50 "
            + Text.seconds(times.percentile(50))
            + ", p95 "
            + Text.seconds(times.percentile(95))
            + ", p99 "
            + Text.seconds(times.percentile(99));
  }

  private static String meanAndTail(Distribution times) {
    return times.isEmpty()
        ? "-"
        : "mean "
            + Text.seconds(Math.round(times.mean()))
            + ", p95 "
            + Text.seconds(times.percentile(95));
  }

  /** Two digits behind the point, or none where four stand before it. */
  private static String number(double value) {
    return String.format(Locale.ROOT, Math.abs(value) < 1000 ? "%.2f" : "%,.0f", value);
  }
}
