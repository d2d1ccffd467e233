package dev.blip3o.server.health;

/** How a server is. */
public enum Health {
  /** It opens its model. */
  STARTING(true, false, "the model is being opened"),
  /** It takes work. */
  READY(true, true, "ready"),
  /** It finishes what it has and takes nothing more. */
  DRAINING(true, false, "the server is shutting down"),
  /** It can do nothing any more. */
  DEVICE_LOST(false, false, "the device was lost; the server ends and has to be started anew"),
  /** It has ended. */
  CLOSED(false, false, "the server has ended");

  private final boolean live;
  private final boolean ready;
  private final String sentence;

  Health(boolean live, boolean ready, String sentence) {
    this.live = live;
    this.ready = ready;
    this.sentence = sentence;
  }

  /** Whether the process is worth keeping: what {@code /healthz} tells. */
  public boolean live() {
    return live;
  }

  /** Whether work may be sent: what {@code /readyz} tells. */
  public boolean ready() {
    return ready;
  }

  /** For clients and operators. */
  public String sentence() {
    return sentence;
  }
}
