package dev.blip3o.cli;

import dev.blip3o.GenerationCancelledException;
import dev.blip3o.ModelOptions;
import dev.blip3o.server.Blip3oServer;
import dev.blip3o.server.ServerOptions;
import dev.blip3o.server.health.End;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.logging.Level;

/** A server from its start to its end, in the process of the command line. */
final class ServeRun {
  private final Environment environment;
  private final PrintWriter out;
  private final PrintWriter err;
  private final Level log;
  private final Function<ServerOptions, Blip3oServer> start;

  ServeRun(Environment environment, PrintWriter out, PrintWriter err, Level log) {
    this(environment, out, err, log, Blip3oServer::start);
  }

  /** A server that {@code start} starts. */
  ServeRun(
      Environment environment,
      PrintWriter out,
      PrintWriter err,
      Level log,
      Function<ServerOptions, Blip3oServer> start) {
    this.environment = environment;
    this.start = start;
    this.out = out;
    this.err = err;
    this.log = log;
  }

  /**
   * Serves until the process is asked to end.
   *
   * @throws CliException if the device was lost
   */
  int run(ServeArguments arguments, Path directory, ModelOptions model) {
    ServerOptions options = ServeOptions.of(arguments, directory, model);
    environment.shutdownWait().add(options.drainTimeout());
    ServeLog.Installed installed = ServeLog.install(err, log);
    try (Blip3oServer server = start.apply(options)) {
      out.println("Listening at http://" + host(options) + ":" + server.port() + "/");
      out.flush();
      return serve(server, options);
    } finally {
      installed.close();
    }
  }

  private int serve(Blip3oServer server, ServerOptions options) {
    try {
      End end = new MainLoop(environment.cancellation()).await(server.ended());
      if (end == End.DEVICE_LOST) {
        throw new CliException(
            "the device was lost, so that no more pictures can be made in this process: start it"
                + " anew, and look at the kernel's log for its fault");
      }
    } catch (GenerationCancelledException e) {
      // The process was asked to end.
      server.drain(options.drainTimeout());
    }
    return ExitCodes.OK;
  }

  /** As it stands in an address. */
  private static String host(ServerOptions options) {
    String host = options.host();
    return host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host;
  }
}
