package dev.blip3o.server;

import dev.blip3o.Blip3oException;

/** The server could not be started: its address can't be listened at. */
public final class ServerException extends Blip3oException {
  private static final long serialVersionUID = 1L;

  /** Creates it with one sentence and its cause. */
  public ServerException(String message, Throwable cause) {
    super(message, cause);
  }
}
