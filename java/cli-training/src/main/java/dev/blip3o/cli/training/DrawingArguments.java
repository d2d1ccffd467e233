package dev.blip3o.cli.training;

import dev.blip3o.ImageRequest;
import dev.blip3o.cli.OptionNames;
import dev.blip3o.cli.SeedConverter;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import picocli.CommandLine.Option;

/** How pictures to be scored are drawn. */
final class DrawingArguments {
  private static final OptionNames OPTIONS =
      new OptionNames(Map.of("steps", "--picture-steps", "guidance", "--guidance"));

  @Option(
      names = "--picture-steps",
      paramLabel = "N",
      description =
          "Denoising steps of each picture that is scored, 1 to 1000. Default: the checkpoint's.")
  private Integer steps;

  @Option(
      names = "--guidance",
      paramLabel = "G",
      description =
          "How strictly denoising follows the text, 1 to 100; 1 takes half the time. Default: the"
              + " checkpoint's.")
  private Double guidance;

  @Option(
      names = "--seed",
      paramLabel = "N",
      converter = SeedConverter.class,
      defaultValue = "0",
      description = "Seed of all that is random. Default: ${DEFAULT-VALUE}.")
  private long seed;

  /**
   * Checks the ranges.
   *
   * @throws dev.blip3o.cli.UsageException if one is left
   */
  void check() {
    OPTIONS.in(
        () -> {
          ImageRequest.Builder request = ImageRequest.builder("any");
          steps().ifPresent(request::steps);
          guidance().ifPresent(request::guidance);
          return request.build();
        });
  }

  OptionalInt steps() {
    return steps == null ? OptionalInt.empty() : OptionalInt.of(steps);
  }

  OptionalDouble guidance() {
    return guidance == null ? OptionalDouble.empty() : OptionalDouble.of(guidance);
  }

  long seed() {
    return seed;
  }
}
