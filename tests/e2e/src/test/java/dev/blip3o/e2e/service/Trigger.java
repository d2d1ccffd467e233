package dev.blip3o.e2e.service;

/** Does something once, after a number of events or when it is told to, unless it is disarmed. */
final class Trigger {
  private final Runnable action;
  private long eventsLeft;
  private boolean armed;

  private Trigger(Runnable action, long events, boolean armed) {
    this.action = action;
    this.eventsLeft = events;
    this.armed = armed;
  }

  static Trigger never() {
    return new Trigger(() -> {}, Long.MAX_VALUE, false);
  }

  static Trigger armed(Runnable action) {
    return new Trigger(action, Long.MAX_VALUE, true);
  }

  static Trigger afterEvents(Runnable action, int events) {
    return new Trigger(action, events, true);
  }

  /** Another event has come. */
  synchronized void count() {
    eventsLeft--;
    if (eventsLeft == 0) {
      fire();
    }
  }

  synchronized void fire() {
    if (armed) {
      armed = false;
      action.run();
    }
  }

  synchronized void disarm() {
    armed = false;
  }
}
