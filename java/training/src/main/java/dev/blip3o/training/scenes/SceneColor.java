package dev.blip3o.training.scenes;

import java.awt.Color;
import java.util.Locale;

/** The colours of objects. */
public enum SceneColor {
  /** {@code red}. */
  RED(215, 35, 45),
  /** {@code green}. */
  GREEN(40, 165, 70),
  /** {@code blue}. */
  BLUE(45, 90, 225),
  /** {@code yellow}. */
  YELLOW(250, 215, 40),
  /** {@code purple}. */
  PURPLE(145, 60, 185),
  /** {@code orange}. */
  ORANGE(250, 135, 25);

  private final Color color;

  SceneColor(int red, int green, int blue) {
    color = new Color(red, green, blue);
  }

  Color color() {
    return color;
  }

  String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
