package dev.blip3o.service.page;

/** How well a colour is seen on another: WCAG 2.2, "contrast ratio" and "relative luminance". */
final class Contrast {
  private Contrast() {}

  /** From 1, not at all, to 21, black on white; both as {@code 0xRRGGBB}. */
  static double of(int one, int other) {
    double a = luminance(one);
    double b = luminance(other);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }

  private static double luminance(int color) {
    return 0.2126 * linear(color >> 16 & 0xff)
        + 0.7152 * linear(color >> 8 & 0xff)
        + 0.0722 * linear(color & 0xff);
  }

  private static double linear(int channel) {
    double share = channel / 255.0;
    return share <= 0.04045 ? share / 12.92 : Math.pow((share + 0.055) / 1.055, 2.4);
  }
}
