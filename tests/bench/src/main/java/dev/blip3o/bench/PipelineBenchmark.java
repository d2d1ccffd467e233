package dev.blip3o.bench;

import dev.blip3o.Blip3oException;
import dev.blip3o.Blip3oModel;
import dev.blip3o.Compute;
import dev.blip3o.ModelInfo;
import dev.blip3o.ModelOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Times the pipeline through the Java API, stage by stage, and beside it another implementation.
 * Prints a table of medians and one line of JSON.
 */
public final class PipelineBenchmark {
  private static final String USAGE =
      """
      usage: PipelineBenchmark --model DIRECTORY [options]
        --part all|tokens|steps|decode   a whole picture (default), or one stage alone;
               encode|siglip|encoders    of a reference: its latents, its tokens, or both
        --compute auto,f32,bf16          compute types, each measured by itself (default auto)
        --threads N                      0: one per processor (default)
        --steps N --guidance G --prompt TEXT --seed N
        --max-tokens N                   part tokens: stop after N of them
        --rounds N                       turns of model and reference (default 1)
        --repeats N --warmups N          runs of a turn, counted (default 5) and before (default 1)
        --reference COMMAND              shell command that times another implementation
      """;

  private final BenchmarkSettings settings;
  private final List<BenchmarkReport.Column> columns = new ArrayList<>();
  private final Samples reference = new Samples();
  private final Map<String, Object> about = new LinkedHashMap<>();

  private PipelineBenchmark(BenchmarkSettings settings) {
    this.settings = settings;
    for (Compute compute : settings.computes()) {
      columns.add(
          new BenchmarkReport.Column(compute.name().toLowerCase(Locale.ROOT), new Samples()));
    }
  }

  /** The command line; exit codes: 0, 2 for wrong usage, 1 for a failed run. */
  public static void main(String[] args) {
    try {
      Options options = Options.parse(args, BenchmarkSettings.OPTIONS, Set.of());
      if (!options.plain().isEmpty()) {
        throw new Options.UsageException("unknown argument " + options.plain().get(0));
      }
      new PipelineBenchmark(BenchmarkSettings.from(options)).run();
    } catch (Options.UsageException e) {
      System.err.println(e.getMessage());
      System.err.print(USAGE);
      System.exit(2);
    } catch (Blip3oException | IOException e) {
      System.err.println("benchmark: " + e.getMessage());
      System.exit(1);
    }
  }

  private void run() throws IOException {
    for (int round = 0; round < settings.rounds(); round++) {
      for (int i = 0; i < columns.size(); i++) {
        measure(settings.computes().get(i), columns.get(i).samples());
      }
      if (settings.reference().isPresent()) {
        reference.addAll(ReferenceCommand.run(settings.reference().get()));
      }
    }
    System.out.println(Json.of(about).replace("\n", " "));
    System.out.print(BenchmarkReport.table(columns, reference));
    System.out.println(BenchmarkReport.json(about, columns, reference));
  }

  /** One turn of one compute type: opens the model, runs, and closes it again. */
  private void measure(Compute compute, Samples samples) {
    boolean peakIsOwn = ProcessMemory.resetPeak();
    ModelOptions options =
        ModelOptions.builder().compute(compute).threads(settings.threads()).build();
    long start = System.nanoTime();
    try (Blip3oModel model = Blip3oModel.open(settings.model(), options)) {
      samples.add("load", StageRuns.secondsSince(start));
      describe(model.info(), peakIsOwn);
      StageRuns runs = new StageRuns(model, settings);
      for (int i = 0; i < settings.warmups(); i++) {
        runs.run(settings.part());
      }
      for (int i = 0; i < settings.repeats(); i++) {
        samples.addAll(runs.run(settings.part()));
      }
      ProcessMemory.peakMib().ifPresent(mib -> samples.add("peak_mib", mib));
    }
  }

  private void describe(ModelInfo info, boolean peakIsOwn) {
    about.put("part", settings.part().name().toLowerCase(Locale.ROOT));
    about.put("backend", info.backend());
    about.put("threads", info.threads());
    about.put("weights", info.weightDtype());
    about.put("weight_mib", info.weightBytes() >> 20);
    about.put("image_tokens", info.imageTokens());
    about.put("picture", info.pictureWidth() + "x" + info.pictureHeight());
    about.put("steps", settings.steps());
    about.put("guidance", settings.guidance());
    about.put("runs", settings.rounds() * settings.repeats());
    about.put("peak_reset_between_compute_types", peakIsOwn);
  }
}
