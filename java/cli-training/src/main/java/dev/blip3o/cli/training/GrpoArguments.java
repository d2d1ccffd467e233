package dev.blip3o.cli.training;

import dev.blip3o.cli.OptionNames;
import dev.blip3o.training.TrainingSettings;
import dev.blip3o.training.grpo.LossVariant;
import java.util.Map;
import picocli.CommandLine.Option;

/** The numbers of a training run. */
final class GrpoArguments {
  /** So many checkpoints are written by default. */
  private static final int CHECKPOINTS = 10;

  private static final OptionNames OPTIONS =
      new OptionNames(
          Map.ofEntries(
              Map.entry("steps", "--steps"),
              Map.entry("prompts", "--batch"),
              Map.entry("prompts * groupSize", "--batch times --group"),
              Map.entry("groupSize", "--group"),
              Map.entry("iterations", "--iterations"),
              Map.entry("learningRate", "--learning-rate"),
              Map.entry("warmUp", "--warm-up"),
              Map.entry("gradientLimit", "--gradient-limit"),
              Map.entry("clip", "--clip"),
              Map.entry("klWeight", "--kl-weight"),
              Map.entry("checkpointEvery", "--checkpoint-every"),
              Map.entry("sequencesAtOnce", "--sequences"),
              Map.entry("threads", "--gradient-threads")));

  @Option(
      names = "--steps",
      paramLabel = "N",
      required = true,
      description = "Steps of the run: pictures are drawn and scored, then learnt from.")
  private int steps;

  @Option(
      names = "--batch",
      paramLabel = "P",
      defaultValue = "8",
      description = "Prompts of a step. Default: ${DEFAULT-VALUE}.")
  private int batch;

  @Option(
      names = "--group",
      paramLabel = "G",
      defaultValue = "16",
      description =
          "Pictures of each of its prompts, 2 or more, which are compared with each other. Default:"
              + " ${DEFAULT-VALUE}.")
  private int group;

  @Option(
      names = "--iterations",
      paramLabel = "I",
      defaultValue = "1",
      description = "Times that a step's pictures are learnt from. Default: ${DEFAULT-VALUE}.")
  private int iterations;

  @Option(
      names = "--learning-rate",
      paramLabel = "R",
      defaultValue = "1e-6",
      description = "The highest one; it falls along half a cosine. Default: ${DEFAULT-VALUE}.")
  private double learningRate;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      defaultValue = "0",
      description = "Steps in which the rate rises to it. Default: ${DEFAULT-VALUE}.")
  private int warmUp;

  @Option(
      names = "--gradient-limit",
      paramLabel = "L",
      defaultValue = "1",
      description =
          "The longest that the gradient of all weights together may be. Default:"
              + " ${DEFAULT-VALUE}.")
  private double gradientLimit;

  @Option(
      names = "--clip",
      paramLabel = "E",
      defaultValue = "0.2",
      description =
          "How far a token's probability may go, as a ratio to that when it was drawn. Default:"
              + " ${DEFAULT-VALUE}.")
  private double clip;

  @Option(
      names = "--kl-weight",
      paramLabel = "W",
      defaultValue = "0.001",
      description =
          "Weight of the divergence from the starting checkpoint. Default: ${DEFAULT-VALUE}.")
  private double klWeight;

  @Option(
      names = "--loss",
      paramLabel = "VARIANT",
      converter = LossConverter.class,
      defaultValue = "bnpo",
      description =
          "How the losses of tokens become one: grpo, bnpo or dr_grpo. Default: ${DEFAULT-VALUE}.")
  private LossVariant loss;

  @Option(
      names = "--checkpoint-every",
      paramLabel = "K",
      description =
          "Steps from checkpoint to checkpoint; the last step has one anyway. Default: a tenth of"
              + " --steps.")
  private Integer checkpointEvery;

  @Option(
      names = "--sequences",
      paramLabel = "N",
      defaultValue = "16",
      description =
          "Pictures whose gradients are computed at once: fewer take less memory. Default:"
              + " ${DEFAULT-VALUE}.")
  private int sequences;

  @Option(
      names = "--no-layer-checkpointing",
      description =
          "Keep the activations of all layers instead of computing them again: less work, far more"
              + " memory.")
  private boolean keepActivations;

  @Option(
      names = "--gradient-threads",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Threads of LibTorch. Default: as many as --threads where OMP_WAIT_POLICY is passive, as"
              + " the launcher sets it, else 1.")
  private int gradientThreads;

  /**
   * The settings of a run.
   *
   * @throws dev.blip3o.cli.UsageException if one is out of its range; the message names the option
   */
  TrainingSettings settings(DrawingArguments drawing) {
    drawing.check();
    return OPTIONS.in(() -> builder(drawing).build());
  }

  private TrainingSettings.Builder builder(DrawingArguments drawing) {
    TrainingSettings.Builder settings =
        TrainingSettings.builder(steps)
            .prompts(batch)
            .groupSize(group)
            .iterations(iterations)
            .learningRate(learningRate)
            .warmUp(warmUp)
            .gradientLimit(gradientLimit)
            .clip(clip)
            .klWeight(klWeight)
            .variant(loss)
            .seed(drawing.seed())
            .checkpointEvery(
                checkpointEvery == null ? Math.max(1, steps / CHECKPOINTS) : checkpointEvery)
            .sequencesAtOnce(sequences)
            .threads(gradientThreads)
            .layerCheckpointing(!keepActivations);
    drawing.steps().ifPresent(settings::denoisingSteps);
    drawing.guidance().ifPresent(settings::guidance);
    return settings;
  }
}
