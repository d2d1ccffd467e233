package dev.blip3o.training.report;

/** Made-up metrics. */
final class Steps {
  private Steps() {}

  /** A step whose numbers tell it from others. */
  static StepMetrics step(int step) {
    double late = step / 100.0;
    return new StepMetrics(
        step,
        0.5 + 0.4 * late + 0.05 * Math.sin(step),
        0.3 - 0.1 * late,
        0.001 * step,
        0.01 * late,
        3.2 - late,
        -1e-4 / step,
        0.7 + 0.2 * Math.cos(step),
        1e-6 * (1 - late),
        6,
        2,
        step % 5 == 0 ? 1 : 0,
        128,
        12 + step / 8.0,
        0.5,
        3.25);
  }

  /** A step whose groups were all left out. */
  static StepMetrics empty(int step) {
    return new StepMetrics(
        step,
        0.5,
        0,
        Double.NaN,
        Double.NaN,
        Double.NaN,
        Double.NaN,
        Double.NaN,
        1e-6,
        0,
        8,
        0,
        128,
        12,
        0.5,
        0);
  }
}
