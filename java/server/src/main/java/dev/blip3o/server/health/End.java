package dev.blip3o.server.health;

/** Why a server has ended. */
public enum End {
  /** It was asked to. */
  CLOSED,
  /** A fault of the device ended the model's work: a supervisor should start the process anew. */
  DEVICE_LOST
}
