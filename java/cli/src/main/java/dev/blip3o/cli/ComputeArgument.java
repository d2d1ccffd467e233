package dev.blip3o.cli;

import dev.blip3o.Compute;
import picocli.CommandLine.Option;

/** A picocli mixin: in which type products are computed. */
public final class ComputeArgument {
  @Option(
      names = "--compute",
      paramLabel = "TYPE",
      converter = ComputeConverter.class,
      defaultValue = "auto",
      description =
          "auto, f32 (exact) or bf16. auto: bf16 where weights and processor are made for it.")
  private Compute compute;

  /** The type that was named, else {@link Compute#AUTO}. */
  public Compute type() {
    return compute;
  }
}
