package dev.blip3o.cli;

/** A request that is wrong in itself, with one sentence for the user. */
final class UsageException extends CliException {
  private static final long serialVersionUID = 1L;

  UsageException(String message) {
    super(message);
  }

  UsageException(String message, Throwable cause) {
    super(message, cause);
  }
}
