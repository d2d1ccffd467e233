package dev.blip3o.e2e.service;

/** How a client's request ended. */
public enum Outcome {
  /** With the picture of its single run. */
  SURVIVED,
  /** Given up by the client. */
  CANCELLED,
  /** By its deadline. */
  EXPIRED,
  /** Refused by a full queue again and again, until the client gave up. */
  REFUSED
}
