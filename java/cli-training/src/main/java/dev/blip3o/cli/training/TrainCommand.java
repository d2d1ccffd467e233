package dev.blip3o.cli.training;

import dev.blip3o.cli.Version;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code blip3o train}: it only holds the others. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Trains a checkpoint by reinforcement learning, and measures checkpoints.",
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Examples:",
      "  blip3o train grpo --prompts prompts.txt --reward scenes --steps 100 -o run",
      "  blip3o train evaluate --prompts held-out.txt --reward scenes-whole",
      "",
      "docs/reinforcement-learning.md tells of prompts, rewards and what a run writes.",
      "'blip3o train COMMAND --help' tells more about a command."
    })
final class TrainCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing: grpo or evaluate");
  }
}
