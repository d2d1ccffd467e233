package dev.blip3o;

import java.util.Arrays;

/** The text form of shapes in messages. */
final class Shapes {
  private Shapes() {}

  static String text(int... shape) {
    return Arrays.toString(shape);
  }

  static String text(long... shape) {
    return Arrays.toString(shape);
  }
}
