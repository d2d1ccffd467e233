package dev.blip3o.cli;

import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
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
      "Prints each file with its seed and where the time went. The PNG holds prompt, seed, settings"
          + " and image tokens as text."
    },
    footer = {
      "",
      PictureArguments.NAMES_HELP,
      "",
      "Examples:",
      "  blip3o generate \"a red circle above a blue square\" -o picture.png",
      "  blip3o generate \"two green stars\" --seed 7 --count 4 -o stars/",
      "  blip3o generate --prompts prompts.txt --seed 1 -o {number}.png --quiet",
      "  blip3o generate \"two green stars\" --tokens-from stars/picture-2.png --seed 70",
      "  blip3o generate \"a green star\" --from sketch.jpg --strength 0.7 -o star.png"
    })
final class GenerateCommand implements Callable<Integer> {
  private static final String USUAL_NAME = "picture";
  private static final double DEFAULT_STRENGTH = 0.6;

  private final Environment environment;

  @Spec private CommandSpec spec;
  @Mixin private PictureArguments pictures;
  @Mixin private InputArguments input;

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
      defaultValue = USUAL_NAME + ".png",
      description = "A .png file, a directory or a pattern; see below. Default: picture.png.")
  private String output;

  @Option(
      names = "--from",
      paramLabel = "PICTURE",
      description =
          "Start from this picture instead of from pure noise: image to image. PNG, JPEG, GIF, BMP"
              + " or TIFF; resized and cropped to the model's size.")
  private Path from;

  @Option(
      names = "--strength",
      paramLabel = "S",
      description =
          "How far from the picture of --from, above 0 to 1; 1 keeps nothing of it. It"
              + " picks whole steps: the last S x --steps, rounded, at least one. Default: "
              + DEFAULT_STRENGTH
              + ".")
  private Double strength;

  @Option(
      names = "--mask",
      paramLabel = "FILE",
      description =
          "A picture of the size of --from's: where it is white (or transparent) the result may"
              + " differ, where it is black --from's is kept.")
  private Path mask;

  GenerateCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    List<String> texts = PromptKind.PROMPT.texts(words, prompts);
    checkFrom();
    Optional<InputImage> initial = Optional.ofNullable(from).map(input::read);
    Optional<InputImage> kept =
        Optional.ofNullable(mask).map(file -> input.readMask(file, initial.orElseThrow(), from));
    return pictures.draw(
        spec.commandLine(),
        environment,
        output,
        USUAL_NAME,
        texts,
        text -> start(text, initial, kept));
  }

  private void checkFrom() {
    if (from == null && (strength != null || mask != null)) {
      throw new UsageException(
          (strength != null ? "--strength" : "--mask")
              + " goes with a picture to start from: give one with --from PICTURE");
    }
  }

  private ImageRequest.Builder start(
      String text, Optional<InputImage> initial, Optional<InputImage> kept) {
    ImageRequest.Builder request = ImageRequest.builder(text);
    initial.ifPresent(
        image -> request.initialImage(image, strength == null ? DEFAULT_STRENGTH : strength));
    kept.ifPresent(request::mask);
    return request;
  }
}
