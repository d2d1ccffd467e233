package dev.blip3o.training.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;

/** Round numbers along an axis. */
record Ticks(double min, double max, List<Double> values) {
  private static final int ABOUT = 4;

  /** Ticks for values from {@code low} to {@code high}; the axis begins and ends with one. */
  static Ticks of(double low, double high) {
    double flat = low == 0 ? 1 : Math.abs(low);
    double span = high > low ? high - low : flat;
    double step = roundStep(span / ABOUT);
    long first = (long) Math.floor(low / step);
    long last = Math.max(first + 1, (long) Math.ceil(high / step - 1e-9));
    List<Double> values = new ArrayList<>();
    for (long i = first; i <= last; i++) {
      values.add(i * step);
    }
    return new Ticks(first * step, last * step, values);
  }

  /** The least of 1, 2, 5 times a power of ten that is not below. */
  private static double roundStep(double step) {
    double power = Math.pow(10, Math.floor(Math.log10(step)));
    for (double factor : new double[] {1, 2, 5}) {
      if (factor * power >= step * (1 - 1e-9)) {
        return factor * power;
      }
    }
    return 10 * power;
  }

  /** A number as people write it: 4 digits at most, a power of ten where it is far from 1. */
  static String label(double value) {
    if (value == 0) {
      return "0";
    }
    BigDecimal rounded = new BigDecimal(value).round(new MathContext(4)).stripTrailingZeros();
    double size = Math.abs(value);
    if (size >= 1e-3 && size < 1e6) {
      return rounded.toPlainString();
    }
    int exponent = rounded.precision() - rounded.scale() - 1;
    return rounded.movePointLeft(exponent).stripTrailingZeros().toPlainString() + "e" + exponent;
  }
}
