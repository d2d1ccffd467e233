package dev.blip3o.bench;

import dev.blip3o.Blip3oException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Times gradients of a checkpoint's language model in LibTorch, with layers that are computed again
 * or with the whole graph in memory. Prints a table of medians and one line of JSON.
 */
public final class GradientBenchmark {
  private static final String USAGE =
      """
      usage: GradientBenchmark --model DIRECTORY [options]
        --checkpointing on,off   compute each layer again when its gradient is due (on, the default),
                                 or keep the whole graph (off); each measured by itself
        --batch N                sequences of one gradient (default 1)
        --tokens N               image tokens of a sequence (0, the default: as many as a picture has)
        --prompt TEXT --seed N   what stands before them, and their random numbers
        --threads N              0: LibTorch's own choice (default)
        --repeats N --warmups N  gradients, counted (default 3) and before (default 1)
      """;

  private final GradientSettings settings;
  private final Map<String, Object> about = new LinkedHashMap<>();

  private GradientBenchmark(GradientSettings settings) {
    this.settings = settings;
  }

  /** The command line; exit codes: 0, 2 for wrong usage, 1 for a failed run. */
  public static void main(String[] args) {
    try {
      run(args, System.out);
    } catch (Options.UsageException e) {
      System.err.println(e.getMessage());
      System.err.print(USAGE);
      System.exit(2);
    } catch (Blip3oException e) {
      System.err.println("benchmark: " + e.getMessage());
      System.exit(1);
    }
  }

  /** What the command line does, without its exit codes. */
  static void run(String[] args, PrintStream out) {
    Options options = Options.parse(args, GradientSettings.OPTIONS, Set.of());
    if (!options.plain().isEmpty()) {
      throw new Options.UsageException("unknown argument " + options.plain().get(0));
    }
    new GradientBenchmark(GradientSettings.from(options)).print(out);
  }

  private void print(PrintStream out) {
    List<BenchmarkReport.Column> columns = new ArrayList<>();
    for (boolean checkpointing : settings.checkpointing()) {
      String name = checkpointing ? "checkpoints" : "whole_graph";
      columns.add(new BenchmarkReport.Column(name, measure(checkpointing)));
    }
    Samples noReference = new Samples();
    out.println(Json.of(about).replace("\n", " "));
    out.print(BenchmarkReport.table(columns, noReference));
    out.println(BenchmarkReport.json(about, columns, noReference));
  }

  private Samples measure(boolean checkpointing) {
    Samples samples = new Samples();
    System.gc(); // What the run before left behind is not this one's.
    ProcessMemory.resetPeak();
    long start = System.nanoTime();
    try (GradientRuns runs = GradientRuns.open(settings, checkpointing)) {
      samples.add("load", StageRuns.secondsSince(start));
      ProcessMemory.peakMib().ifPresent(mib -> samples.add("load_peak_mib", mib));
      System.gc(); // The checkpoint's copies of weights.
      boolean peakIsOwn = ProcessMemory.resetPeak();
      describe(runs, peakIsOwn);
      for (int i = 0; i < settings.warmups(); i++) {
        runs.seconds();
      }
      for (int i = 0; i < settings.repeats(); i++) {
        samples.add("gradient", runs.seconds());
      }
      ProcessMemory.peakMib().ifPresent(mib -> samples.add("peak_mib", mib));
    }
    return samples;
  }

  private void describe(GradientRuns runs, boolean peakIsOwn) {
    about.put("parameters", runs.parameters());
    about.put("batch", settings.batch());
    about.put("positions", runs.positions());
    about.put("threads", settings.threads());
    about.put("runs", settings.repeats());
    about.put("peak_without_loading", peakIsOwn);
  }
}
