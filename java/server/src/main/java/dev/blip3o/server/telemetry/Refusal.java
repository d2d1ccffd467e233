package dev.blip3o.server.telemetry;

import java.util.Locale;

/** Why a request for pictures was not taken. */
public enum Refusal {
  /** No key, or none that the server knows. */
  KEY,
  /** The client has as many requests under way as it may. */
  CONCURRENCY,
  /** The client sends more requests a minute than it may. */
  RATE,
  /** The model's queue is full. */
  QUEUE,
  /** The server drains, or has lost its device. */
  UNAVAILABLE;

  /** The value of the tag {@code reason}. */
  String tag() {
    return name().toLowerCase(Locale.ROOT);
  }
}
