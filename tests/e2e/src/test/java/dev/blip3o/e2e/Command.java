package dev.blip3o.e2e;

import dev.blip3o.CancellationToken;
import dev.blip3o.cli.Main;
import dev.blip3o.support.Repository;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * One command, run in this JVM.
 *
 * @param code its exit code
 * @param out what it wrote to standard output
 * @param err what it wrote to standard error
 */
record Command(int code, String out, String err) {
  /** Runs a command to its end. */
  static Command run(String... words) {
    return run(new CancellationToken(), line -> {}, words);
  }

  /**
   * Runs a command.
   *
   * @param progress hears each line of standard error, on the command's thread
   */
  static Command run(CancellationToken cancellation, Consumer<String> progress, String... words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    PrintWriter lines =
        new PrintWriter(err, true) {
          @Override
          public void println(String line) {
            super.println(line);
            progress.accept(line);
          }
        };
    int code =
        Main.commandLine(Optional.of(Repository.root()), cancellation)
            .setOut(new PrintWriter(out, true))
            .setErr(lines)
            .execute(words);
    return new Command(code, out.toString(), err.toString());
  }
}
