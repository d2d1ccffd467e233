package dev.blip3o.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code blip3o serve}: OpenAI's images API on a model. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Serves a model over HTTP, as OpenAI's images API, with a web page at /.",
      "",
      "An interrupt or SIGTERM drains it: requests under way are finished, no others are taken, and"
          + " the process ends. It ends with exit code 1 if the device is lost, for a supervisor to"
          + " start it anew."
    },
    footer = {
      "",
      "Examples:",
      "  blip3o serve                            at http://127.0.0.1:8080",
      "  blip3o serve --port 9000 --model models/blip3o",
      "  blip3o serve --host 0.0.0.0 --keys keys.txt --key-rate 60",
      "",
      "docs/operations.md tells of health, metrics, keys, limits and threats."
    })
final class ServeCommand implements Callable<Integer> {
  private final Environment environment;

  @Spec private CommandSpec spec;
  @Mixin private ModelArguments model;
  @Mixin private ComputeArgument compute;
  @Mixin private ServeArguments server;

  @Option(
      names = "--log",
      paramLabel = "LEVEL",
      converter = LogLevelConverter.class,
      defaultValue = "info",
      description =
          "error, warn, info or debug; debug shows where in the program errors came from, and may"
              + " show paths. Default: ${DEFAULT-VALUE}.")
  private Level log;

  ServeCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    Path directory = model.directory(environment.root());
    // Another class: what names the server's classes is loaded by this command alone.
    return new ServeRun(environment, spec.commandLine().getOut(), spec.commandLine().getErr(), log)
        .run(server, directory, model.options(compute.type()));
  }
}
