package dev.blip3o.cli;

import dev.blip3o.CancellationToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a command knows of the process that it runs in.
 *
 * @param root the folder that holds {@code weights/demo}, if known
 * @param terminal whether standard error is a terminal, so that a line can be drawn over
 * @param cancellation cancelled when the process is asked to end
 * @param shutdownWait how long it then waits for the command; a command that has much to write adds
 *     to it
 */
public record Environment(
    Optional<Path> root,
    boolean terminal,
    CancellationToken cancellation,
    ShutdownWait shutdownWait) {
  /** Set by the launcher to the folder that it lies in. */
  static final String ROOT_PROPERTY = "blip3o.root";

  /** This process. */
  static Environment ofProcess(CancellationToken cancellation, ShutdownWait shutdownWait) {
    Optional<Path> root = Optional.ofNullable(System.getProperty(ROOT_PROPERTY)).map(Path::of);
    return new Environment(root, standardErrorIsTerminal(), cancellation, shutdownWait);
  }

  private static boolean standardErrorIsTerminal() {
    // System.console() asks for standard input and output, not for standard error.
    Path link = Path.of("/proc/self/fd/2");
    try {
      String target = Files.readSymbolicLink(link).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException | UnsupportedOperationException e) {
      return System.console() != null;
    }
  }
}
