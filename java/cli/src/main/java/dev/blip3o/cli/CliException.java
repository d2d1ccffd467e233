package dev.blip3o.cli;

/** A run that failed, with one sentence for the user; the exit code is {@link ExitCodes#FAILED}. */
public class CliException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * A failure.
   *
   * @param message what failed, what was expected and found, and what to do
   */
  public CliException(String message) {
    super(message);
  }

  /**
   * A failure with its cause.
   *
   * @param message what failed, what was expected and found, and what to do
   * @param cause kept for {@code --verbose}
   */
  public CliException(String message, Throwable cause) {
    super(message, cause);
  }
}
