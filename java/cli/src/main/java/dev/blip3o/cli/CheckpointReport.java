package dev.blip3o.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The library's report on a checkpoint, as text for people. */
final class CheckpointReport {
  private static final String ROW = "  %-28s %9s %16s %12s  %s%n";

  /** The report's names for what takes memory, and those for people. */
  private static final Map<String, String> MEMORY = memoryNames();

  private final JsonNode report;

  /** {@code report}: the JSON of {@link dev.blip3o.Blip3oModel#inspect}. */
  CheckpointReport(JsonNode report) {
    this.report = report;
  }

  private static Map<String, String> memoryNames() {
    Map<String, String> names = new LinkedHashMap<>();
    names.put("weights", "weights, packed for it");
    names.put("constants", "constants: the image tokenizer's codebook");
    names.put("slab", "slab of each request, from its start to its end");
    names.put("workspace", "workspace, shared by all requests");
    names.put("scratch", "scratch of operations, shared by all requests");
    return names;
  }

  /** Whether the checkpoint can be used. */
  boolean complete() {
    return report.path("complete").asBoolean() && report.path("problems").isEmpty();
  }

  /** The first problem, and how many more there are. */
  String firstProblem() {
    List<String> problems = problems();
    if (problems.isEmpty()) {
      return "something needed is missing";
    }
    int more = problems.size() - 1;
    return problems.get(0) + (more == 0 ? "" : " (and " + Text.plural(more, "more problem") + ")");
  }

  /** Prints all of it; {@code scanned}: whether values were read too. */
  void print(PrintWriter out, boolean scanned) {
    out.println("Checkpoint " + text(report.path("directory")));
    printConfig(out);
    printParts(out);
    printCapabilities(out);
    printMemory(out);
    printUnused(out);
    printVerdict(out, scanned);
  }

  private void printConfig(PrintWriter out) {
    if (report.path("config").isEmpty()) {
      return;
    }
    out.println();
    out.println("Config");
    for (Map.Entry<String, JsonNode> field : report.path("config").properties()) {
      out.printf(Locale.ROOT, "  %-28s %s%n", Text.oneLine(field.getKey()), text(field.getValue()));
    }
  }

  private void printParts(PrintWriter out) {
    long tensors = 0;
    long parameters = 0;
    long bytes = 0;
    out.println();
    out.printf(Locale.ROOT, ROW, "Part", "tensors", "parameters", "size", "dtypes");
    for (JsonNode part : report.path("parts")) {
      printRow(
          out,
          text(part.path("name")),
          part.path("tensors").asLong(),
          part.path("parameters").asLong(),
          part.path("bytes").asLong(),
          list(part.path("dtypes")));
      tensors += part.path("tensors").asLong();
      parameters += part.path("parameters").asLong();
      bytes += part.path("bytes").asLong();
    }
    printRow(out, "all", tensors, parameters, bytes, "");
  }

  private static void printRow(
      PrintWriter out, String name, long tensors, long parameters, long bytes, String dtypes) {
    out.printf(
        Locale.ROOT,
        ROW,
        name,
        Text.count(tensors),
        Text.count(parameters),
        Text.bytes(bytes),
        dtypes);
  }

  private void printCapabilities(PrintWriter out) {
    JsonNode capabilities = report.path("capabilities");
    if (capabilities.isEmpty()) {
      return;
    }
    out.println();
    out.println("Pictures as input");
    printCapability(out, "image tokens of a picture", capabilities.path("reference_tokens"));
    printCapability(out, "image to image", capabilities.path("reference_latents"));
    printCapability(out, "editing", capabilities.path("editing"));
  }

  private static void printCapability(PrintWriter out, String name, JsonNode capability) {
    boolean available = capability.path("available").asBoolean();
    out.printf(
        Locale.ROOT,
        "  %-28s %s%n",
        name,
        available ? "yes" : "no: " + text(capability.path("lacks")));
  }

  private void printMemory(PrintWriter out) {
    JsonNode memory = report.path("memory");
    if (memory.isMissingNode()) {
      return;
    }
    out.println();
    out.printf(
        Locale.ROOT,
        "Memory on the device %s, with tensors %s%n",
        text(memory.path("device")),
        text(memory.path("tensors")));
    if (!memory.path("problem").asText().isEmpty()) {
      out.println("  not known: " + text(memory.path("problem")));
      return;
    }
    long all = 0;
    for (Map.Entry<String, String> part : MEMORY.entrySet()) {
      long bytes = memory.path(part.getKey()).asLong();
      printSize(out, part.getValue(), bytes);
      all += bytes;
    }
    printSize(out, "all, for one request", all);
    if (memory.path("arena").asLong() > 0) {
      printSize(out, "remembered prompts, where there is room", memory.path("prompts").asLong());
      String name = "arena: all but the weights, for " + memory.path("requests") + " requests";
      printSize(out, name, memory.path("arena").asLong());
    }
  }

  private static void printSize(PrintWriter out, String name, long bytes) {
    out.printf(Locale.ROOT, "  %-50s %12s%n", name, Text.bytes(bytes));
  }

  private void printUnused(PrintWriter out) {
    JsonNode unused = report.path("unused");
    if (unused.isEmpty()) {
      return;
    }
    out.println();
    out.println("Not needed: " + Text.plural(unused.size(), "tensor"));
    for (JsonNode tensor : unused) {
      out.printf(
          Locale.ROOT,
          "  %s  %s [%s], %s%n",
          text(tensor.path("name")),
          text(tensor.path("dtype")),
          list(tensor.path("shape")),
          Text.bytes(tensor.path("bytes").asLong()));
    }
  }

  private void printVerdict(PrintWriter out, boolean scanned) {
    out.println();
    if (complete()) {
      out.println(
          "Complete: everything needed is there"
              + (scanned ? ", and every value is finite." : "."));
      return;
    }
    List<String> problems = problems();
    out.println("Not usable: " + Text.plural(problems.size(), "problem"));
    problems.forEach(problem -> out.println("  " + problem));
  }

  private List<String> problems() {
    List<String> problems = new ArrayList<>();
    report.path("problems").forEach(problem -> problems.add(text(problem)));
    return problems;
  }

  private static String list(JsonNode values) {
    List<String> words = new ArrayList<>();
    values.forEach(value -> words.add(text(value)));
    return words.stream().collect(Collectors.joining(", "));
  }

  private static String text(JsonNode value) {
    return Text.oneLine(value.isContainerNode() ? value.toString() : value.asText());
  }
}
