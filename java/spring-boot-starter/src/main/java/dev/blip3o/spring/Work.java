package dev.blip3o.spring;

import java.time.Duration;

/** What is under way, and has to end before a model is closed. */
interface Work {
  /**
   * Takes nothing more, where that can be told, and waits until all has ended. An interrupt ends
   * the wait and stays set.
   *
   * @param timeout the longest wait; zero or less: none
   * @return whether all has ended
   */
  boolean drain(Duration timeout);

  /** Takes work again. */
  void resume();
}
