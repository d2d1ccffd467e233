package dev.blip3o.training.rollouts;

import java.util.function.IntConsumer;

/** Counts pictures, and tells a listener in order. Any thread may call it. */
final class PictureCount {
  private final IntConsumer listener;
  private int count;

  PictureCount(IntConsumer listener) {
    this.listener = listener;
  }

  synchronized void increase() {
    count++;
    listener.accept(count);
  }
}
