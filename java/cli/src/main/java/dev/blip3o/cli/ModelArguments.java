package dev.blip3o.cli;

import dev.blip3o.Compute;
import dev.blip3o.ModelOptions;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A picocli mixin: which checkpoint is used, and with what. */
public final class ModelArguments {
  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "The checkpoint. Default: weights/demo, the small model of drawn shapes.")
  private Path model;

  @Option(
      names = "--diffusion",
      paramLabel = "DIR",
      description =
          "The diffusers directory that goes with it. Default: what the checkpoint's config.json"
              + " says.")
  private Path diffusion;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads for the compute. Default: one per processor.")
  private int threads;

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      converter = ByteSize.Converter.class,
      defaultValue = "0",
      description =
          "Refuse work that needs more than this beside the weights, for example 12G. Default:"
              + " what is free.")
  private ByteSize memory;

  @Mixin private DeviceArguments device;

  /**
   * The checkpoint's directory: the one given, else the demo.
   *
   * @param root {@link Environment#root}
   * @throws UsageException if none is given and nobody knows where the demo is
   */
  public Path directory(Optional<Path> root) {
    return directory(model, root, "--model DIR");
  }

  /** {@code given}, else the demo checkpoint. */
  static Path directory(Path given, Optional<Path> root, String how) {
    if (given != null) {
      return given;
    }
    return root.map(folder -> folder.resolve("weights").resolve("demo"))
        .orElseThrow(
            () ->
                new UsageException(
                    "no checkpoint is given: name one with "
                        + how
                        + " (only the launcher knows where weights/demo is)"));
  }

  /**
   * How to open the checkpoint.
   *
   * @throws UsageException if an option is out of its range
   */
  public ModelOptions options(Compute compute) {
    return Requests.named(
        () ->
            device
                .apply(ModelOptions.builder())
                .diffusionDirectory(diffusion)
                .threads(threads)
                .compute(compute)
                .memoryLimitBytes(memory.bytes())
                .build());
  }
}
