package dev.blip3o.spring;

import java.time.Duration;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.util.unit.DataSize;

/** Checks whose errors name the property, its range and what was found. */
final class PropertyChecks {
  private PropertyChecks() {}

  /** Null is what was not set. */
  static <T extends Comparable<T>> void range(String property, T value, T min, T max) {
    if (value != null && !(value.compareTo(min) >= 0 && value.compareTo(max) <= 0)) {
      throw new InvalidConfigurationPropertyValueException(
          property, value, "it must be between " + min + " and " + max);
    }
  }

  /** Checks that a value, if there is one, is in {@code (0, 1]}. */
  static void share(String property, Double value) {
    if (value != null && !(value > 0 && value <= 1)) {
      throw new InvalidConfigurationPropertyValueException(
          property, value, "it must be above 0 and at most 1");
    }
  }

  static void notNegative(String property, Duration value) {
    if (value.isNegative()) {
      throw new InvalidConfigurationPropertyValueException(
          property, value, "it must be 0 or more, for example 30s");
    }
  }

  static void notNegative(String property, DataSize value) {
    if (value.isNegative()) {
      throw new InvalidConfigurationPropertyValueException(
          property, value, "it must be 0 (what the machine has free) or more, for example 8GB");
    }
  }
}
