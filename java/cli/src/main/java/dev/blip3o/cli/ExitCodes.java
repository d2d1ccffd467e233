package dev.blip3o.cli;

/** How the process ends. */
final class ExitCodes {
  /** The work is done. */
  static final int OK = 0;

  /** The request was right, but could not be fulfilled: a file, the checkpoint, memory. */
  static final int FAILED = 1;

  /** The request is wrong: an option, a value, the prompts. */
  static final int USAGE = 2;

  /** Stopped from outside, as shells report an interrupt: 128 + SIGINT. */
  static final int CANCELLED = 130;

  private ExitCodes() {}
}
