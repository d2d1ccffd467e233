package dev.blip3o.cli;

/**
 * A request that is wrong in itself, with one sentence for the user; the exit code is {@link
 * ExitCodes#USAGE}.
 */
public final class UsageException extends CliException {
  private static final long serialVersionUID = 1L;

  /**
   * A wrong request.
   *
   * @param message names the option or argument, what was expected and what was found
   */
  public UsageException(String message) {
    super(message);
  }

  /**
   * A wrong request with its cause.
   *
   * @param message names the option or argument, what was expected and what was found
   * @param cause kept for {@code --verbose}
   */
  public UsageException(String message, Throwable cause) {
    super(message, cause);
  }
}
