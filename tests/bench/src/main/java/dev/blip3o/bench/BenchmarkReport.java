package dev.blip3o.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/** Prints medians as a table and as one line of JSON. */
final class BenchmarkReport {
  private BenchmarkReport() {}

  /**
   * One column of the table.
   *
   * @param name compute type, or "reference"
   */
  record Column(String name, Samples samples) {}

  /** Units of the measurements that are not seconds. */
  private static final Map<String, String> UNITS =
      Map.of(
          "tokens_per_second", "1/s",
          "java_jni_percent", "%",
          "workspace_mib", "MiB",
          "load_peak_mib", "MiB",
          "peak_mib", "MiB");

  static String table(List<Column> columns, Samples reference) {
    StringBuilder out = new StringBuilder();
    Map<String, Boolean> rows = new LinkedHashMap<>();
    columns.forEach(c -> c.samples().medians().keySet().forEach(name -> rows.put(name, true)));
    out.append(String.format("%-18s %4s", "median", ""));
    columns.forEach(c -> out.append(String.format(" %12s", c.name())));
    if (!reference.isEmpty()) {
      out.append(String.format(" %12s", "reference"));
      columns.forEach(c -> out.append(String.format(" %12s", "x " + c.name())));
    }
    for (String row : rows.keySet()) {
      out.append(String.format("%n%-18s %4s", row, UNITS.getOrDefault(row, "s")));
      columns.forEach(c -> out.append(cell(c.samples().median(row))));
      if (!reference.isEmpty()) {
        OptionalDouble other = reference(reference, row);
        out.append(cell(other));
        columns.forEach(c -> out.append(cell(advantage(row, c.samples().median(row), other))));
      }
    }
    return out.append(System.lineSeparator()).toString();
  }

  /**
   * How many times better than the reference: above 1 is faster, or smaller. Empty where one of
   * them did not measure it.
   */
  static OptionalDouble advantage(String name, OptionalDouble ours, OptionalDouble reference) {
    if (ours.isEmpty() || reference.isEmpty() || ours.getAsDouble() == 0) {
      return OptionalDouble.empty();
    }
    return name.equals("tokens_per_second")
        ? OptionalDouble.of(ours.getAsDouble() / reference.getAsDouble())
        : OptionalDouble.of(reference.getAsDouble() / ours.getAsDouble());
  }

  /** The reference's "total" is pure compute, so it stands beside ours of both kinds. */
  private static OptionalDouble reference(Samples reference, String row) {
    return reference.median(row.equals("compute") ? "total" : row);
  }

  static String json(Map<String, Object> about, List<Column> columns, Samples reference) {
    Map<String, Object> root = new LinkedHashMap<>(about);
    Map<String, Object> medians = new LinkedHashMap<>();
    columns.forEach(c -> medians.put(c.name(), c.samples().medians()));
    root.put("medians", medians);
    if (!reference.isEmpty()) {
      root.put("reference", reference.medians());
      Map<String, Object> ratios = new LinkedHashMap<>();
      columns.forEach(c -> ratios.put(c.name(), advantages(c.samples(), reference)));
      root.put("times_better", ratios);
    }
    return Json.of(root).replace("\n", "");
  }

  private static Map<String, Object> advantages(Samples samples, Samples reference) {
    Map<String, Object> ratios = new LinkedHashMap<>();
    for (String name : samples.medians().keySet()) {
      advantage(name, samples.median(name), reference(reference, name))
          .ifPresent(ratio -> ratios.put(name, ratio));
    }
    return ratios;
  }

  private static String cell(OptionalDouble value) {
    return value.isPresent()
        ? String.format(Locale.ROOT, " %12.4f", value.getAsDouble())
        : String.format(" %12s", "-");
  }
}
