package dev.blip3o.cli;

import dev.blip3o.CancellationToken;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Optional;

/** One command, run in this JVM. */
record Run(int code, String out, String err) {
  static Run of(String... words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Main.commandLine(Optional.empty(), new CancellationToken())
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(words);
    return new Run(code, out.toString(), err.toString());
  }
}
