package dev.blip3o.e2e.service;

/** How a client gives up a request on its way. */
enum Mishap {
  /** Not at all. */
  NONE,
  /** By its token. */
  TOKEN,
  /** By an interrupt of the waiting thread. */
  INTERRUPT,
  /** By cancelling the future. */
  FUTURE,
  /** By the job's own cancel. */
  JOB;

  /** Whether a thread waits in a blocking call for what it happens to. */
  boolean blocking() {
    return this == TOKEN || this == INTERRUPT;
  }
}
