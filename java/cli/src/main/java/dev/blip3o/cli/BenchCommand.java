package dev.blip3o.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code blip3o bench}: it only holds the benchmarks. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Measures how fast this machine is.",
    synopsisSubcommandLabel = "BENCHMARK",
    footer = {
      "",
      "Example:",
      "  blip3o bench serve --concurrency 8",
      "",
      "'blip3o bench BENCHMARK --help' tells more about a benchmark."
    })
final class BenchCommand implements Runnable {
  @Spec private CommandSpec spec;

  /** The command and those below it. */
  static CommandLine commandLine(Environment environment) {
    return new CommandLine(new BenchCommand()).addSubcommand(new BenchServeCommand(environment));
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a benchmark is missing: serve");
  }
}
