package dev.blip3o.cli;

import dev.blip3o.EditRequest;
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

/** {@code blip3o edit}: pictures from pictures and an instruction. */
@Command(
    name = "edit",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Edits pictures by an instruction, or by each line of a file, and writes PNGs.",
      "",
      "Several pictures, each with its own -i, make one result; their order counts. Prints each"
          + " file with its seed and where the time went. The PNG holds instruction, seed, settings"
          + " and image tokens as text."
    },
    footer = {
      "",
      PictureArguments.NAMES_HELP,
      "",
      "Examples:",
      "  blip3o edit \"make the red circle blue\" -i picture.png -o blue.png",
      "  blip3o edit \"remove the star\" -i picture.jpg --seed 7 --count 4 -o tries/",
      "  blip3o edit \"put both together\" -i first.png -i second.png -o both.png",
      "  blip3o edit \"add a red star\" -i picture.png --mask sky.png -o starry.png",
      "  blip3o edit \"make the red circle blue\" -i picture.png --tokens-from blue.png"
    })
final class EditCommand implements Callable<Integer> {
  private static final String USUAL_NAME = "edited";

  private final Environment environment;

  @Spec private CommandSpec spec;
  @Mixin private PictureArguments pictures;
  @Mixin private InputArguments input;

  @Parameters(
      paramLabel = "INSTRUCTION",
      arity = "0..*",
      description = "What to change, in quotes: \"make the red circle blue\".")
  private List<String> words = List.of();

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description = "A UTF-8 file with one instruction a line, in place of INSTRUCTION.")
  private Path prompts;

  @Option(
      names = {"-i", "--image"},
      paramLabel = "PICTURE",
      required = true,
      description =
          "The picture to edit, of any size: PNG, JPEG, GIF, BMP or TIFF. May be repeated, up to"
              + " 16 times.")
  private List<Path> images;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "PLACE",
      defaultValue = USUAL_NAME + ".png",
      description = "A .png file, a directory or a pattern; see below. Default: edited.png.")
  private String output;

  @Option(
      names = "--strength",
      paramLabel = "S",
      description =
          "Start from the first picture, noised by this much, above 0 to 1, instead of from pure"
              + " noise. It picks whole steps: the last S x --steps, rounded, at least one.")
  private Double strength;

  @Option(
      names = "--mask",
      paramLabel = "FILE",
      description =
          "A picture of the first picture's size: where it is white (or transparent) the result may"
              + " differ, where it is black the first picture is kept.")
  private Path mask;

  EditCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    List<String> texts = PromptKind.INSTRUCTION.texts(words, prompts);
    List<InputImage> references = images.stream().map(input::read).toList();
    Optional<InputImage> kept =
        Optional.ofNullable(mask)
            .map(file -> input.readMask(file, references.get(0), images.get(0)));
    return pictures.draw(
        spec.commandLine(),
        environment,
        output,
        USUAL_NAME,
        texts,
        text -> start(text, references, kept));
  }

  private EditRequest.Builder start(
      String text, List<InputImage> references, Optional<InputImage> kept) {
    EditRequest.Builder request = EditRequest.builder(text, references);
    Optional.ofNullable(strength).ifPresent(request::strength);
    kept.ifPresent(request::mask);
    return request;
  }
}
