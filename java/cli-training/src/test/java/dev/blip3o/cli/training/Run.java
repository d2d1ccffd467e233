package dev.blip3o.cli.training;

import dev.blip3o.CancellationToken;
import dev.blip3o.cli.Main;
import dev.blip3o.support.Repository;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Optional;
import java.util.function.Consumer;

/** One command, run in this JVM. */
record Run(int code, String out, String err) {
  static Run of(String... words) {
    return of(new CancellationToken(), text -> {}, words);
  }

  /**
   * A command that is watched.
   *
   * @param printed told whatever is printed to standard output, piece by piece
   */
  static Run of(CancellationToken cancellation, Consumer<String> printed, String... words) {
    StringWriter out =
        new StringWriter() {
          @Override
          public void write(String text, int offset, int length) {
            super.write(text, offset, length);
            printed.accept(text.substring(offset, offset + length));
          }
        };
    StringWriter err = new StringWriter();
    int code =
        Main.commandLine(Optional.of(Repository.root()), cancellation)
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(words);
    return new Run(code, out.toString(), err.toString());
  }
}
