package dev.blip3o.e2e.scenes;

import java.awt.Color;
import java.util.Locale;

/** The colours of objects. */
public enum SceneColor {
  RED(215, 35, 45),
  GREEN(40, 165, 70),
  BLUE(45, 90, 225),
  YELLOW(250, 215, 40),
  PURPLE(145, 60, 185),
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
