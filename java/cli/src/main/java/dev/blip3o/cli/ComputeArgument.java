package dev.blip3o.cli;

import dev.blip3o.Compute;
import picocli.CommandLine.Option;

/** In which type products are computed: what the commands that leave it open share. */
final class ComputeArgument {
  @Option(
      names = "--compute",
      paramLabel = "TYPE",
      converter = ComputeConverter.class,
      defaultValue = "auto",
      description =
          "auto, f32 (exact) or bf16. auto: bf16 where weights and processor are made for it.")
  private Compute compute;

  Compute type() {
    return compute;
  }
}
