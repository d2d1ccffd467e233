package dev.blip3o.cli;

import java.io.PrintWriter;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.List;
import java.util.Locale;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * The log of a serving process, on standard error, one line for each message. What was thrown is
 * named by its class alone, since its message may hold a path; at level debug its stack trace
 * follows.
 */
final class ServeLog extends Handler {
  private static final Logger ROOT = Logger.getLogger("");

  /** The library's and the server's; the libraries below them speak up at warnings only. */
  private static final Logger OWN = Logger.getLogger("dev.blip3o");

  /** In milliseconds, UTC. */
  private static final DateTimeFormatter TIME =
      new DateTimeFormatterBuilder().appendInstant(3).toFormatter(Locale.ROOT);

  private final PrintWriter err;
  private final boolean traces;

  private ServeLog(PrintWriter err, boolean traces) {
    this.err = err;
    this.traces = traces;
    setFormatter(
        new Formatter() {
          @Override
          public String format(LogRecord message) {
            return line(message, formatMessage(message));
          }
        });
  }

  /** What the process logs from now on goes to {@code err}, until the result is closed. */
  static Installed install(PrintWriter err, Level level) {
    return new Installed(new ServeLog(err, level.intValue() <= Level.FINE.intValue()), level);
  }

  /** The log as it is while a server runs. */
  static final class Installed implements AutoCloseable {
    private final List<Handler> before = List.of(ROOT.getHandlers());
    private final Level rootBefore = ROOT.getLevel();
    private final Level ownBefore = OWN.getLevel();
    private final ServeLog handler;

    private Installed(ServeLog handler, Level level) {
      this.handler = handler;
      before.forEach(ROOT::removeHandler);
      ROOT.addHandler(handler);
      ROOT.setLevel(level.intValue() > Level.WARNING.intValue() ? level : Level.WARNING);
      OWN.setLevel(level);
    }

    @Override
    public void close() {
      ROOT.removeHandler(handler);
      before.forEach(ROOT::addHandler);
      ROOT.setLevel(rootBefore);
      OWN.setLevel(ownBefore);
    }
  }

  @Override
  public void publish(LogRecord message) {
    if (isLoggable(message)) {
      synchronized (err) {
        err.println(getFormatter().format(message));
        if (traces && message.getThrown() != null) {
          message.getThrown().printStackTrace(err);
        }
        err.flush();
      }
    }
  }

  private static String line(LogRecord message, String text) {
    Throwable thrown = message.getThrown();
    return String.format(
        Locale.ROOT,
        "%s %-5s %s: %s%s",
        TIME.format(message.getInstant()),
        level(message.getLevel()),
        message.getLoggerName(),
        Text.oneLine(text),
        thrown == null ? "" : " (" + thrown.getClass().getName() + ")");
  }

  private static String level(Level level) {
    if (level.intValue() >= Level.SEVERE.intValue()) {
      return "ERROR";
    }
    if (level.intValue() >= Level.WARNING.intValue()) {
      return "WARN";
    }
    return level.intValue() >= Level.INFO.intValue() ? "INFO" : "DEBUG";
  }

  @Override
  public void flush() {
    err.flush();
  }

  @Override
  public void close() {
    flush();
  }
}
