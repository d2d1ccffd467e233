package dev.blip3o.cli;

import picocli.CommandLine;

/**
 * A further command of {@code blip3o}, from an artifact of its own: what it needs is then loaded by
 * those alone who use it. Providers are found by {@link java.util.ServiceLoader}; each has a public
 * constructor without parameters, which does nothing.
 */
public interface CommandProvider {
  /**
   * The command, with those below it. It takes the place of one of the same name that {@code
   * blip3o} has by itself.
   *
   * <p>Commands write to {@link CommandLine#getOut} and {@link CommandLine#getErr}, and return
   * {@link ExitCodes}; what they throw becomes one sentence on standard error.
   *
   * @param environment of the process
   */
  CommandLine command(Environment environment);
}
