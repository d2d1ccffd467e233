package dev.blip3o.cli;

import java.nio.file.Path;
import java.util.ServiceLoader;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command {@code blip3o} itself: it only holds the others. */
@Command(
    name = "blip3o",
    description = "Draws and edits pictures with BLIP3o-NEXT, on this machine, offline.",
    versionProvider = Version.class,
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Examples:",
      "  blip3o generate \"a red circle to the left of a blue square\" -o picture.png",
      "  blip3o generate \"a large yellow star\" --count 4 --seed 7 -o stars/",
      "  blip3o edit \"make the red circle green\" -i picture.png -o edited.png",
      "  blip3o inspect weights/demo",
      "  blip3o serve",
      "  blip3o bench serve",
      "  blip3o train grpo --prompts prompts.txt --reward scenes --steps 100 -o run",
      "",
      "BLIP3O_JAVA_OPTIONS holds more options for the launcher's JVM, after its own: for",
      "example -Xmx8g, a heap of 8 GB, for very large pictures.",
      "",
      "Exit codes: 0 done, 1 the run failed, 2 wrong usage, 130 cancelled.",
      "'blip3o COMMAND --help' tells more about a command."
    })
final class Blip3oCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "With an error, also print where in the program it came from.")
  private boolean verbose;

  /** Everything that {@code blip3o} understands. */
  static CommandLine commandLine(Environment environment) {
    CommandLine commandLine =
        new CommandLine(new Blip3oCommand())
            .addSubcommand(new GenerateCommand(environment))
            .addSubcommand(new EditCommand(environment))
            .addSubcommand(new ServeCommand(environment))
            .addSubcommand(new InspectCommand(environment))
            .addSubcommand(new TraceCommand(environment))
            .addSubcommand(BenchCommand.commandLine(environment))
            .addSubcommand(new TrainCommand())
            .addSubcommand(new HelpCommand());
    addProvided(commandLine, environment);
    // For the commands above too.
    commandLine.registerConverter(Path.class, new PathConverter());
    NumberConverters.register(commandLine);
    Failures failures = new Failures();
    return commandLine
        // A prompt may begin with @.
        .setExpandAtFiles(false)
        .setParameterExceptionHandler(failures)
        .setExecutionExceptionHandler(failures);
  }

  /** Commands of other artifacts on the class path. */
  private static void addProvided(CommandLine commandLine, Environment environment) {
    ClassLoader loader = Blip3oCommand.class.getClassLoader();
    for (CommandProvider provider : ServiceLoader.load(CommandProvider.class, loader)) {
      CommandLine command = provider.command(environment);
      commandLine.getCommandSpec().removeSubcommand(command.getCommandName());
      commandLine.addSubcommand(command);
    }
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "a command is missing: generate, edit, serve, inspect, trace, bench, train or help");
  }

  boolean verbose() {
    return verbose;
  }
}
