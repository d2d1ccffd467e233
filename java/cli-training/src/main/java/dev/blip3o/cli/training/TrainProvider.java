package dev.blip3o.cli.training;

import dev.blip3o.cli.CommandProvider;
import dev.blip3o.cli.Environment;
import picocli.CommandLine;

/** Brings {@code blip3o train}. */
public final class TrainProvider implements CommandProvider {
  /** For the service loader. */
  public TrainProvider() {}

  @Override
  public CommandLine command(Environment environment) {
    return new CommandLine(new TrainCommand())
        .addSubcommand(new GrpoCommand(environment))
        .addSubcommand(new EvaluateCommand(environment));
  }
}
