package dev.blip3o.cli;

import dev.blip3o.ModelInfo;
import dev.blip3o.ModelOptions;
import dev.blip3o.OutputFile;
import dev.blip3o.PictureRequest;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How pictures are made: what the commands that make them share. */
final class PictureArguments {
  /** The help's part on names; {@code %n} ends a line. */
  static final String NAMES_HELP =
      "Names of several pictures, from --count or more than one text:%n"
          + "  -o picture.png     picture-1.png, picture-2.png, ... or 01, 02, ...%n"
          + "  -o DIR             inside that directory, which has to exist: picture.png%n"
          + "                     (of edit: edited.png), numbered where there are several%n"
          + "  -o PATTERN         your own names, for example {prompt}-{seed}.png:%n"
          + "       {number}      counts all pictures from 1%n"
          + "       {prompt}      counts the texts from 1%n"
          + "       {seed}        is the picture's seed%n"
          + "A file that exists is replaced. The first picture has the seed of --seed, and%n"
          + "each next one, text after text, a seed one higher.";

  private static final int MAX_PICTURES = 100_000;

  /** Random seeds are below it: short enough to type again. */
  private static final long RANDOM_SEEDS = 1L << 32;

  @Mixin private ModelArguments model;
  @Mixin private ComputeArgument compute;

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
      description = "Pictures of each text. Default: ${DEFAULT-VALUE}.")
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
          "How strictly the text is followed, 1 to 100; 1 takes half the time. Default: 2.")
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
      names = "--tokens-from",
      paramLabel = "FILE",
      description =
          "Keep the image tokens of an earlier picture instead of drawing new ones: with another"
              + " seed, a variation of it. FILE is a PNG that blip3o wrote, or a safetensors file"
              + " with the tensor 'tokens', [N] I64.")
  private Path tokensFrom;

  @Option(
      names = {"-q", "--quiet"},
      description = "Print nothing but errors.")
  private boolean quiet;

  /**
   * Makes the pictures of a command and writes them.
   *
   * @param output the value of {@code -o}
   * @param usual what a picture in a directory is called, without {@code .png}
   * @param start begins the request of one text; all that it reads from files is read already
   * @return the exit code
   */
  int draw(
      CommandLine command,
      Environment environment,
      String output,
      String usual,
      List<String> texts,
      Function<String, PictureRequest.Builder<?>> start) {
    // All that can be wrong is found before the checkpoint is opened.
    Optional<int[]> tokens = Optional.ofNullable(tokensFrom).map(TokensFile::read);
    List<PictureRequest> requests = requests(texts, tokens, start);
    List<Path> files = OutputNames.of(output, usual, pictures(requests));
    ModelOptions options = model.options(compute.type());
    Path directory = model.directory(environment.root());
    files.forEach(OutputFile::at);

    PrintWriter report = quiet ? new PrintWriter(Writer.nullWriter()) : command.getOut();
    ProgressDisplay display =
        ProgressDisplay.create(command.getErr(), quiet, environment.terminal(), System::nanoTime);
    Consumer<ModelInfo> check =
        info -> tokens.ifPresent(given -> TokensFile.check(tokensFrom, given, info));
    new PictureRun(files, display, report, environment.cancellation())
        .run(directory, options, check, requests);
    return ExitCodes.OK;
  }

  private List<PictureRequest> requests(
      List<String> texts,
      Optional<int[]> tokens,
      Function<String, PictureRequest.Builder<?>> start) {
    if ((long) texts.size() * count > MAX_PICTURES) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "%s with --count %d are more than %d pictures: use several runs",
              Text.plural(texts.size(), "text"),
              count,
              MAX_PICTURES));
    }
    long next = seed == null ? ThreadLocalRandom.current().nextLong(RANDOM_SEEDS) : seed;
    List<PictureRequest> requests = new ArrayList<>();
    for (String text : texts) {
      PictureRequest request = Requests.named(() -> request(start.apply(text), tokens));
      for (int k = 0; k < count; k++) {
        requests.add(request.toBuilder().count(1).seed(next++).build());
      }
    }
    return requests;
  }

  private PictureRequest request(PictureRequest.Builder<?> request, Optional<int[]> tokens) {
    request.count(count);
    Optional.ofNullable(steps).ifPresent(request::steps);
    Optional.ofNullable(guidance).ifPresent(request::guidance);
    Optional.ofNullable(temperature).ifPresent(request::temperature);
    Optional.ofNullable(topK).ifPresent(request::topK);
    Optional.ofNullable(topP).ifPresent(request::topP);
    tokens.ifPresent(request::tokens);
    return request.build();
  }

  private List<OutputNames.Picture> pictures(List<PictureRequest> requests) {
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
