package dev.blip3o.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Unmatched;

/**
 * {@code blip3o train} where the artifact that trains is not on the class path: it only says so. A
 * {@link CommandProvider} of that artifact takes its place.
 */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Trains a checkpoint by reinforcement learning, and measures checkpoints.",
      "",
      "It brings LibTorch, so that it is an artifact of its own, dev.blip3o:blip3o-cli-training,"
          + " which is not on this class path. The launcher ./blip3o adds it by itself."
    },
    footer = {
      "",
      "Examples:",
      "  ./blip3o train --help",
      "  ./blip3o train grpo --help",
    })
final class TrainCommand implements Runnable {
  @Unmatched private final List<String> words = new ArrayList<>();

  @Override
  public void run() {
    throw new CliException(
        "train needs the artifact dev.blip3o:blip3o-cli-training on the class path, beside"
            + " blip3o-cli: the launcher ./blip3o adds it by itself");
  }
}
