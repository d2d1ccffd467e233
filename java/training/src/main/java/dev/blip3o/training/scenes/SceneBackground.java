package dev.blip3o.training.scenes;

import java.awt.Color;
import java.util.Locale;

/** The colours of backgrounds. */
public enum SceneBackground {
  /** {@code white}. */
  WHITE(255, 255, 255),
  /** {@code black}. */
  BLACK(15, 15, 18),
  /** {@code gray}. */
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
