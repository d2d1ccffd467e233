package dev.blip3o.cli;

import dev.blip3o.Compute;
import dev.blip3o.ImageRequest;
import dev.blip3o.ModelOptions;
import dev.blip3o.OutputFile;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code blip3o generate}: pictures from prompts. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Draws pictures from a prompt, or from each line of a file, and writes PNGs.",
      "",
      "Prints each file with its seed and where the time went. The PNG holds prompt, seed and"
          + " settings as text."
    },
    footer = {
      "",
      "Names of several pictures, from --count or more than one prompt:",
      "  -o picture.png     picture-1.png, picture-2.png, ... or 01, 02, ...",
      "  -o DIR             the same inside that directory, which has to exist",
      "  -o PATTERN         your own names, for example {prompt}-{seed}.png:",
      "       {number}      counts all pictures from 1",
      "       {prompt}      counts the prompts from 1",
      "       {seed}        is the picture's seed",
      "A file that exists is replaced. The first picture has the seed of --seed, and",
      "each next one, prompt after prompt, a seed one higher.",
      "",
      "Examples:",
      "  blip3o generate \"a red circle above a blue square\" -o picture.png",
      "  blip3o generate \"two green stars\" --seed 7 --count 4 -o stars/",
      "  blip3o generate --prompts prompts.txt --seed 1 -o {number}.png --quiet"
    })
final class GenerateCommand implements Callable<Integer> {
  private static final int MAX_PICTURES = 100_000;

  /** Random seeds are below it: short enough to type again. */
  private static final long RANDOM_SEEDS = 1L << 32;

  private final Environment environment;

  @Spec private CommandSpec spec;
  @Mixin private ModelArguments model;

  @Parameters(
      paramLabel = "PROMPT",
      arity = "0..*",
      description = "What the picture shows, in quotes: \"a red circle\".")
  private List<String> words = List.of();

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description = "A UTF-8 file with one prompt a line, in place of PROMPT.")
  private Path prompts;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "PLACE",
      defaultValue = "picture.png",
      description = "A .png file, a directory or a pattern; see below. Default: picture.png.")
  private String output;

  @Option(
      names = "--seed",
      paramLabel = "N",
      converter = SeedConverter.class,
      description =
          "The first picture's seed; the same seed draws the same picture. Default: random.")
  private Long seed;

  @Option(
      names = "--count",
      paramLabel = "N",
      defaultValue = "1",
      description = "Pictures of each prompt. Default: ${DEFAULT-VALUE}.")
  private int count;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Denoising steps, 1 to 1000. Default: 30.")
  private Integer steps;

  @Option(
      names = "--guidance",
      paramLabel = "G",
      description =
          "How strictly the prompt is followed, 1 to 100; 1 takes half the time. Default: 2.")
  private Double guidance;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description =
          "Of the image tokens; 0: always the likeliest. Default: the checkpoint's, else 1.")
  private Double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "N",
      description =
          "Draw from the N likeliest image tokens; 0: from all. Default: the checkpoint's, else"
              + " 1200.")
  private Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description =
          "Draw from the likeliest image tokens of this probability, above 0 to 1. Default: the"
              + " checkpoint's, else 0.95.")
  private Double topP;

  @Option(
      names = "--compute",
      paramLabel = "TYPE",
      converter = ComputeConverter.class,
      defaultValue = "auto",
      description =
          "auto, f32 (exact) or bf16. auto: bf16 where weights and processor are made for it.")
  private Compute compute;

  @Option(
      names = {"-q", "--quiet"},
      description = "Print nothing but errors.")
  private boolean quiet;

  GenerateCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    // All that can be wrong is found before the checkpoint is opened.
    List<ImageRequest> requests = requests(prompts());
    List<Path> files = OutputNames.of(output, pictures(requests));
    ModelOptions options = model.options(compute);
    Path directory = model.directory(environment.root());
    files.forEach(OutputFile::at);

    CommandLine commandLine = spec.commandLine();
    PrintWriter report = quiet ? new PrintWriter(Writer.nullWriter()) : commandLine.getOut();
    ProgressDisplay display =
        ProgressDisplay.create(
            commandLine.getErr(), quiet, environment.terminal(), System::nanoTime);
    new GenerateRun(files, display, report, environment.cancellation())
        .run(directory, options, requests);
    return ExitCodes.OK;
  }

  private List<String> prompts() {
    if (prompts != null && !words.isEmpty()) {
      throw new UsageException("give a prompt or --prompts FILE, not both");
    }
    if (prompts != null) {
      return PromptFile.read(prompts);
    }
    if (words.isEmpty()) {
      throw new UsageException("a prompt is missing: say in quotes what the picture shows");
    }
    if (words.size() > 1) {
      throw new UsageException(
          "the prompt has to be one word of the command line: put quotes around \""
              + String.join(" ", words)
              + "\"");
    }
    return words;
  }

  private List<ImageRequest> requests(List<String> prompts) {
    if ((long) prompts.size() * count > MAX_PICTURES) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "%s with --count %d are more than %d pictures: use several runs",
              Text.plural(prompts.size(), "prompt"),
              count,
              MAX_PICTURES));
    }
    long next = seed == null ? ThreadLocalRandom.current().nextLong(RANDOM_SEEDS) : seed;
    List<ImageRequest> requests = new ArrayList<>();
    for (String prompt : prompts) {
      ImageRequest request = Requests.named(() -> request(prompt));
      for (int k = 0; k < count; k++) {
        requests.add(request.toBuilder().count(1).seed(next++).build());
      }
    }
    return requests;
  }

  private ImageRequest request(String prompt) {
    ImageRequest.Builder request = ImageRequest.builder(prompt).count(count);
    Optional.ofNullable(steps).ifPresent(request::steps);
    Optional.ofNullable(guidance).ifPresent(request::guidance);
    Optional.ofNullable(temperature).ifPresent(request::temperature);
    Optional.ofNullable(topK).ifPresent(request::topK);
    Optional.ofNullable(topP).ifPresent(request::topP);
    return request.build();
  }

  private List<OutputNames.Picture> pictures(List<ImageRequest> requests) {
    List<OutputNames.Picture> pictures = new ArrayList<>();
    for (int i = 0; i < requests.size(); i++) {
      long pictureSeed = requests.get(i).seed().orElseThrow();
      pictures.add(
          new OutputNames.Picture(
              i + 1, requests.size(), i / count + 1, requests.size() / count, pictureSeed));
    }
    return pictures;
  }
}
