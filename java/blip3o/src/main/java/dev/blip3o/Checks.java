package dev.blip3o;

import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** Argument checks whose messages name the argument, its range and what was found. */
final class Checks {
  private Checks() {}

  static void range(String name, long value, long min, long max) {
    if (value < min || value > max) {
      throw new InvalidRequestException(
          String.format(
              Locale.ROOT, "%s must be between %d and %d, but is %d", name, min, max, value));
    }
  }

  static void range(String name, double value, double min, double max) {
    if (!(value >= min && value <= max)) {
      throw new InvalidRequestException(
          String.format(
              Locale.ROOT, "%s must be between %s and %s, but is %s", name, min, max, value));
    }
  }

  static void range(String name, Duration value, Duration min, Duration max) {
    if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
      throw new InvalidRequestException(
          String.format(
              Locale.ROOT, "%s must be between %s and %s, but is %s", name, min, max, value));
    }
  }

  /** Checks that {@code value} is in {@code (0, 1]}. */
  static void share(String name, double value) {
    // As the float that the library computes with, so that 1e-60 is not a silent zero.
    if (!((float) value > 0 && value <= 1)) {
      throw new InvalidRequestException(name + " must be above 0 and at most 1, but is " + value);
    }
  }

  /** Checks that {@code length} is the product of positive {@code shape}. */
  static void shape(String name, int length, int... shape) {
    long product = 1;
    for (int size : shape) {
      if (size <= 0) {
        throw new InvalidRequestException(
            name + " needs positive sizes, but its shape is " + Shapes.text(shape));
      }
      product = Math.multiplyExact(product, (long) size);
    }
    if (product != length) {
      throw new InvalidRequestException(
          String.format(
              Locale.ROOT,
              "%s of shape %s needs %d values, but %d were given",
              name,
              Shapes.text(shape),
              product,
              length));
    }
  }

  /** A copy of a list without null in it. */
  static <T> List<T> copy(String name, List<T> list) {
    Objects.requireNonNull(list, name);
    for (int i = 0; i < list.size(); i++) {
      int index = i;
      Objects.requireNonNull(list.get(i), () -> name + "[" + index + "]");
    }
    return List.copyOf(list);
  }

  /** Checks that every value is finite. */
  static void finite(String name, FloatBuffer values) {
    for (int i = 0; i < values.limit(); i++) {
      if (!Float.isFinite(values.get(i))) {
        throw new InvalidRequestException(
            name + " must hold finite values, but value " + i + " is " + values.get(i));
      }
    }
  }
}
