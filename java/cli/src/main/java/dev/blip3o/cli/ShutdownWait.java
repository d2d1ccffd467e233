package dev.blip3o.cli;

import java.time.Duration;

/**
 * How long a process that was asked to end waits for its command.
 *
 * <p>Threads: safe for use by any thread.
 */
public final class ShutdownWait {
  /** For the current token, step or part of the decoder. */
  private static final Duration LEAST = Duration.ofSeconds(60);

  private volatile Duration time = LEAST;

  /** A command says that it needs so much more. */
  public void add(Duration more) {
    time = LEAST.plus(more);
  }

  Duration time() {
    return time;
  }
}
