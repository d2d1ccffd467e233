package dev.blip3o.cli;

/** How the process ends. */
public final class ExitCodes {
  /** The work is done. */
  public static final int OK = 0;

  /** The request was right, but could not be fulfilled: a file, the checkpoint, memory. */
  public static final int FAILED = 1;

  /** The request is wrong: an option, a value, the prompts. */
  public static final int USAGE = 2;

  /** Stopped from outside, as shells report an interrupt: 128 + SIGINT. */
  public static final int CANCELLED = 130;

  private ExitCodes() {}
}
