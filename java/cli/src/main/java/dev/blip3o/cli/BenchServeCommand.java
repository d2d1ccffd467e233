package dev.blip3o.cli;

import dev.blip3o.Blip3oModel;
import dev.blip3o.ModelOptions;
import dev.blip3o.OutputFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code blip3o bench serve}: many requests on one model. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Measures how a model serves many requests, in this process.",
      "",
      "After a warm-up there are three parts: (1) some requests one after the other, (2) the same"
          + " requests all at once, in turns with (1) for several rounds, and (3) requests that"
          + " arrive by chance, at a rate, however many are under way. Pictures are compared"
          + " between (1) and (2), and thrown away."
    },
    footer = {
      "",
      "Of (3) it prints pictures a second; latency from arrival to picture (50, 95 and",
      "99 of 100 requests took at most so long); the time until a request is started",
      "and until its first image token; how many requests share a pass over the",
      "weights; and how many were refused by the full queue or missed their deadline.",
      "",
      "Examples:",
      "  blip3o bench serve                            the demo checkpoint",
      "  blip3o bench serve --requests 500 --rate 12 --json result.json",
      "  blip3o bench serve --concurrency 16 --deadline 2.5 --threads 4",
      "  blip3o bench serve --model models/blip3o --concurrency 2 --rounds 1 \\",
      "      --requests 4 --steps 4"
    })
final class BenchServeCommand implements Callable<Integer> {
  /** As many requests as may wait, unless a model is opened with another limit. */
  private static final int MAX_CONCURRENCY = 256;

  private static final int MAX_ROUNDS = 1000;
  private static final int MAX_REQUESTS = 1_000_000;
  private static final double MAX_RATE = 1e6;
  private static final double MAX_DEADLINE_SECONDS = 1e6;

  /** Of what was measured all at once: a model that can't keep up has no latency. */
  private static final double USUAL_LOAD = 0.8;

  private final Environment environment;

  @Spec private CommandSpec spec;
  @Mixin private ModelArguments model;
  @Mixin private ComputeArgument compute;

  @Option(
      names = "--concurrency",
      paramLabel = "C",
      defaultValue = "8",
      description =
          "Requests of the parts (1) and (2), 1 to "
              + MAX_CONCURRENCY
              + ". Default: ${DEFAULT-VALUE}.")
  private int concurrency;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "5",
      description = "How often (1) and (2) are run. Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(
      names = "--requests",
      paramLabel = "N",
      defaultValue = "100",
      description = "Requests of part (3). Default: ${DEFAULT-VALUE}.")
  private int requests;

  @Option(
      names = "--rate",
      paramLabel = "R",
      description =
          "Requests of part (3) that arrive in a second, on average. Default: 80%% of what part (2)"
              + " made.")
  private Double rate;

  @Option(
      names = "--deadline",
      paramLabel = "SECONDS",
      description =
          "Requests of part (3) that take longer are given up, for example 2.5. Default: none are.")
  private Double deadline;

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description =
          "A UTF-8 file with one prompt a line. Default: the checkpoint's prompts.json, else a few"
              + " that are built in.")
  private Path prompts;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Denoising steps, 1 to 1000. Default: the checkpoint's.")
  private Integer steps;

  @Option(
      names = "--guidance",
      paramLabel = "G",
      description =
          "How strictly the text is followed, 1 to 100; 1 takes half the time. Default: the"
              + " checkpoint's.")
  private Double guidance;

  @Option(
      names = "--seed",
      paramLabel = "N",
      converter = SeedConverter.class,
      defaultValue = "1",
      description =
          "Seed of the first picture and of the arrival times. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description =
          "Also write the result to this file, for programs; one that exists is replaced.")
  private Path json;

  @Option(
      names = {"-q", "--quiet"},
      description = "Print no progress, only the result and errors.")
  private boolean quiet;

  BenchServeCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    // All that can be wrong is found before the checkpoint is opened.
    ModelOptions options = model.options(compute.type());
    checkRanges();
    Path directory = model.directory(environment.root());
    ServeSettings settings = settings(directory);
    Requests.named(() -> settings.open(0));
    Optional<OutputFile> file = Optional.ofNullable(json).map(OutputFile::at);

    ServeReport report = measure(directory, options, settings);
    new ServeText(report).print(spec.commandLine().getOut());
    byte[] text = (ServeJson.of(report).toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8);
    file.ifPresent(place -> place.write(stream -> stream.write(text)));
    report.open().firstFailure().ifPresent(failure -> fail(report.open(), failure));
    return ExitCodes.OK;
  }

  private void checkRanges() {
    range("--concurrency", concurrency, MAX_CONCURRENCY);
    range("--rounds", rounds, MAX_ROUNDS);
    range("--requests", requests, MAX_REQUESTS);
    aboveZero("--rate", rate, MAX_RATE);
    aboveZero("--deadline", deadline, MAX_DEADLINE_SECONDS);
  }

  private static void range(String option, int value, int most) {
    if (value < 1 || value > most) {
      throw new UsageException(
          String.format(
              Locale.ROOT, "%s must be between 1 and %d, but is %d", option, most, value));
    }
  }

  private static void aboveZero(String option, Double value, double most) {
    if (value != null && !(value > 0 && value <= most)) {
      throw new UsageException(
          String.format(
              Locale.ROOT, "%s must be above 0 and at most %.0f, but is %s", option, most, value));
    }
  }

  private ServeSettings settings(Path directory) {
    return new ServeSettings(
        BenchPrompts.of(prompts, directory),
        concurrency,
        rounds,
        requests,
        rate == null ? OptionalDouble.empty() : OptionalDouble.of(rate),
        steps == null ? OptionalInt.empty() : OptionalInt.of(steps),
        guidance == null ? OptionalDouble.empty() : OptionalDouble.of(guidance),
        seed,
        Optional.ofNullable(deadline)
            .map(value -> Duration.ofNanos((long) Math.ceil(value * 1e9))));
  }

  private ServeReport measure(Path directory, ModelOptions options, ServeSettings settings) {
    CommandLine commandLine = spec.commandLine();
    ProgressDisplay display =
        ProgressDisplay.create(
            commandLine.getErr(), quiet, environment.terminal(), System::nanoTime);
    display.begin("loading " + Text.oneLine(directory.toString()));
    try (Blip3oModel open = Blip3oModel.open(directory, options)) {
      display.startCounting();
      LoadGenerator load = new LoadGenerator(open, environment.cancellation());
      ClosedLoop closed = new ClosedLoop(load, settings, display);
      closed.warmUp();
      ClosedLoop.Result first = closed.run();
      double usual = USUAL_LOAD * first.together().picturesPerSecond();
      OpenLoop.Result second =
          new OpenLoop(load, settings, display).run(settings.rate().orElse(usual));
      return new ServeReport(
          open.info(), settings, first, second, open.metrics(), ProcessMemory.peakBytes());
    } finally {
      display.clear();
    }
  }

  private static void fail(OpenLoop.Result open, Throwable failure) {
    throw new CliException(
        String.format(
            Locale.ROOT,
            "%d of %s failed, the first since %s",
            open.failed(),
            Text.plural(open.requests(), "request"),
            failure.getMessage()),
        failure);
  }
}
