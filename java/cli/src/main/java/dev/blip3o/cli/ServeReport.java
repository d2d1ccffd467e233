package dev.blip3o.cli;

import dev.blip3o.ModelInfo;
import dev.blip3o.ModelMetrics;
import java.util.Locale;
import java.util.OptionalLong;

/**
 * What {@code bench serve} found.
 *
 * @param metrics of the model at the end
 * @param processPeakBytes largest resident set of the process; empty where nobody tells
 */
record ServeReport(
    ModelInfo info,
    ServeSettings settings,
    ClosedLoop.Result closed,
    OpenLoop.Result open,
    ModelMetrics metrics,
    OptionalLong processPeakBytes) {

  String compute() {
    return info.compute().name().toLowerCase(Locale.ROOT);
  }

  int steps() {
    return settings.steps().orElse(info.defaultSteps());
  }

  double guidance() {
    return settings.guidance().orElse(info.defaultGuidance());
  }
}
