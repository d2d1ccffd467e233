package dev.blip3o.training.report;

import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Curves over steps as an inline SVG, whose colours the page's style gives. Where a value is NaN
 * the line has a gap.
 *
 * @param title what is shown
 * @param unit of the values; may be empty
 * @param steps the horizontal places
 * @param series the curves
 */
record LineChart(String title, String unit, List<Integer> steps, List<Series> series) {
  private static final double WIDTH = 480;
  private static final double HEIGHT = 220;
  private static final double LEFT = 64;
  private static final double RIGHT = 12;
  private static final double TOP = 12;
  private static final double BOTTOM = 30;

  /** Up to here each value has a mark of its own, which tells its number. */
  private static final int MAX_MARKS = 200;

  /**
   * A curve.
   *
   * @param name for the legend and the marks
   * @param style the class of its colour
   * @param values one for each step
   */
  record Series(String name, String style, double[] values) {}

  /** The figure with its caption and, where there are several curves, its legend. */
  String html() {
    StringBuilder html = new StringBuilder("<figure><figcaption>").append(Html.text(title));
    if (!unit.isEmpty()) {
      html.append(" <span class=\"unit\">").append(Html.text(unit)).append("</span>");
    }
    if (series.size() > 1) {
      html.append("<span class=\"legend\">");
      for (Series curve : series) {
        html.append("<span class=\"key ").append(curve.style()).append("\"></span>");
        html.append(Html.text(curve.name()));
      }
      html.append("</span>");
    }
    html.append("</figcaption>");
    double[] all =
        series.stream()
            .flatMapToDouble(curve -> DoubleStream.of(curve.values()))
            .filter(Double::isFinite)
            .toArray();
    if (all.length == 0) {
      return html.append("<p class=\"none\">no values yet</p></figure>\n").toString();
    }
    double low = DoubleStream.of(all).min().getAsDouble();
    double high = DoubleStream.of(all).max().getAsDouble();
    return html.append(svg(Ticks.of(low, high))).append("</figure>\n").toString();
  }

  private String svg(Ticks y) {
    int first = steps.get(0);
    int last = Math.max(first + 1, steps.get(steps.size() - 1));
    StringBuilder svg = new StringBuilder();
    svg.append(
        format(
            "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">",
            WIDTH, HEIGHT, Html.text(title)));
    for (double value : y.values()) {
      double place = vertical(y, value);
      svg.append(line("grid", LEFT, place, WIDTH - RIGHT, place));
      svg.append(text("end", LEFT - 8, place + 4, Ticks.label(value)));
    }
    svg.append(text("start", LEFT, HEIGHT - 8, "step " + first));
    svg.append(text("end", WIDTH - RIGHT, HEIGHT - 8, Integer.toString(last)));
    for (Series curve : series) {
      svg.append(curve(curve, y, first, last));
    }
    return svg.append("</svg>").toString();
  }

  private String curve(Series curve, Ticks y, int first, int last) {
    StringBuilder path = new StringBuilder();
    StringBuilder marks = new StringBuilder();
    boolean drawing = false;
    for (int i = 0; i < curve.values().length; i++) {
      double value = curve.values()[i];
      if (!Double.isFinite(value)) {
        drawing = false;
        continue;
      }
      double x = LEFT + (WIDTH - LEFT - RIGHT) * (steps.get(i) - first) / (last - first);
      double place = vertical(y, value);
      path.append(format("%s%.1f %.1f", drawing ? "L" : "M", x, place));
      marks.append(mark(curve, steps.get(i), value, x, place));
      drawing = true;
    }
    String line = format("<path class=\"line %s\" d=\"%s\"/>", curve.style(), path);
    return curve.values().length <= MAX_MARKS ? line + marks : line;
  }

  private static String mark(Series curve, int step, double value, double x, double y) {
    return format(
        "<circle class=\"mark %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"2\"><title>step %d, %s: %s</title>"
            + "</circle>",
        curve.style(), x, y, step, Html.text(curve.name()), Ticks.label(value));
  }

  private static double vertical(Ticks y, double value) {
    return TOP + (HEIGHT - TOP - BOTTOM) * (y.max() - value) / (y.max() - y.min());
  }

  private static String line(String style, double x1, double y1, double x2, double y2) {
    return format(
        "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>",
        style, x1, y1, x2, y2);
  }

  private static String text(String anchor, double x, double y, String text) {
    return format(
        "<text text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>", anchor, x, y, Html.text(text));
  }

  private static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  /** The mean of each value and those before it, {@code window} in all; NaN is left out. */
  static double[] smooth(double[] values, int window) {
    return IntStream.range(0, values.length)
        .mapToDouble(
            i ->
                IntStream.rangeClosed(Math.max(0, i - window + 1), i)
                    .mapToDouble(j -> values[j])
                    .filter(Double::isFinite)
                    .average()
                    .orElse(Double.NaN))
        .toArray();
  }
}
