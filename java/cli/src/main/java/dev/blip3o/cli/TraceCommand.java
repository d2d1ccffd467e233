package dev.blip3o.cli;

import dev.blip3o.Blip3oModel;
import dev.blip3o.Compute;
import dev.blip3o.InputImage;
import dev.blip3o.ModelInfo;
import dev.blip3o.ModelOptions;
import dev.blip3o.Noise;
import dev.blip3o.OutputFile;
import dev.blip3o.Trace;
import dev.blip3o.TraceRequest;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code blip3o trace}: every tensor of one run, to compare with a reference. */
@Command(
    name = "trace",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Writes every tensor of one run to a safetensors file, to compare with a reference.",
      "",
      "Image tokens are the likeliest ones (no chance), products are computed in f32, and the"
          + " denoising starts from the given noise."
    },
    footer = {
      "",
      "The file holds input_ids and tokens (I64); first_logits, hidden_states,",
      "condition, noise, sigmas, velocity_null_first, velocity_first, latents_first,",
      "latents and image (F32); pixels (U8). *_first: of the first denoising step.",
      "With references also reference_tokens (I64) and reference_latents (F32).",
      "",
      "Examples:",
      "  blip3o trace --model weights/demo --prompt \"a green cross\" \\",
      "      --noise noise.safetensors --steps 30 --guidance 2 --out trace.safetensors",
      "  blip3o trace --prompt \"make the red circle blue\" --reference picture.png \\",
      "      --noise noise.safetensors --out edit.safetensors"
    })
final class TraceCommand implements Callable<Integer> {
  private static final String NOISE = "noise";

  private final Environment environment;

  @Spec private CommandSpec spec;
  @Mixin private ModelArguments model;
  @Mixin private InputArguments input;

  @Option(
      names = "--prompt",
      required = true,
      paramLabel = "TEXT",
      description = "The prompt; with --reference, the instruction.")
  private String prompt;

  @Option(
      names = "--reference",
      paramLabel = "PICTURE",
      description =
          "Trace an edit of this picture. May be repeated; the order counts. Default: none, a"
              + " trace of text to image.")
  private List<Path> references = List.of();

  @Option(
      names = "--noise",
      required = true,
      paramLabel = "FILE",
      description = "A safetensors file with the tensor 'noise', [c, h, w] F32.")
  private Path noiseFile;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "30",
      description = "Denoising steps, 1 to 1000. Default: ${DEFAULT-VALUE}.")
  private int steps;

  @Option(
      names = "--guidance",
      paramLabel = "G",
      defaultValue = "2.0",
      description = "Guidance, 1 to 100. Default: ${DEFAULT-VALUE}.")
  private double guidance;

  @Option(
      names = {"-o", "--out"},
      required = true,
      paramLabel = "FILE",
      description = "The file to write; one that exists is replaced.")
  private Path out;

  @Option(
      names = {"-q", "--quiet"},
      description = "Print nothing but errors.")
  private boolean quiet;

  TraceCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    Path directory = model.directory(environment.root());
    ModelOptions options = model.options(Compute.F32);
    Noise noise = readNoise(noiseFile);
    InputImage[] pictures = references.stream().map(input::read).toArray(InputImage[]::new);
    TraceRequest request =
        Requests.named(() -> TraceRequest.of(prompt, noise, steps, guidance, pictures));
    OutputFile file = OutputFile.at(out);

    List<Safetensors.Tensor> tensors = trace(directory, options, request);
    file.write(stream -> Safetensors.write(stream, tensors));
    if (!quiet) {
      PrintWriter report = spec.commandLine().getOut();
      report.println(Text.oneLine(out.toString()) + ": " + Text.plural(tensors.size(), "tensor"));
      report.flush();
    }
    return ExitCodes.OK;
  }

  private List<Safetensors.Tensor> trace(
      Path directory, ModelOptions options, TraceRequest request) {
    CommandLine commandLine = spec.commandLine();
    ProgressDisplay display =
        ProgressDisplay.create(
            commandLine.getErr(), quiet, environment.terminal(), System::nanoTime);
    display.begin("loading " + Text.oneLine(directory.toString()));
    try (Blip3oModel open = Blip3oModel.open(directory, options)) {
      checkNoise(request.noise(), open.info());
      Trace trace = open.trace(request, display.startPicture(1, 1), environment.cancellation());
      return trace.tensors().stream().map(TraceCommand::tensor).toList();
    } finally {
      display.clear();
    }
  }

  private static Noise readNoise(Path file) {
    Safetensors.Tensor tensor = Safetensors.read(file).f32(NOISE, 3);
    List<Long> shape = tensor.shape();
    return Requests.named(
        () ->
            Noise.of(
                Math.toIntExact(shape.get(0)),
                Math.toIntExact(shape.get(1)),
                Math.toIntExact(shape.get(2)),
                tensor.floats()));
  }

  private void checkNoise(Noise noise, ModelInfo info) {
    if (noise.channels() != info.latentChannels()
        || noise.height() != info.latentHeight()
        || noise.width() != info.latentWidth()) {
      throw new CliException(
          String.format(
              Locale.ROOT,
              "%s: tensor 'noise' must have the shape of this checkpoint's latents,"
                  + " [%d, %d, %d], but has [%d, %d, %d]",
              noiseFile,
              info.latentChannels(),
              info.latentHeight(),
              info.latentWidth(),
              noise.channels(),
              noise.height(),
              noise.width()));
    }
  }

  private static Safetensors.Tensor tensor(Trace.NamedTensor tensor) {
    List<Long> shape = Arrays.stream(tensor.shape()).boxed().toList();
    return new Safetensors.Tensor(
        tensor.name(), Safetensors.Dtype.valueOf(tensor.dtype().name()), shape, tensor.data());
  }
}
