package dev.blip3o.e2e.scenes;

import java.awt.Color;
import java.util.Locale;

/** The colours of backgrounds. */
public enum SceneBackground {
  WHITE(255, 255, 255),
  BLACK(15, 15, 18),
  GRAY(150, 150, 150);

  private final Color color;

  SceneBackground(int red, int green, int blue) {
    color = new Color(red, green, blue);
  }

  Color color() {
    return color;
  }

  String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
