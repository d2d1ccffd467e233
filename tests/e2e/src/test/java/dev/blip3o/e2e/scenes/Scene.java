package dev.blip3o.e2e.scenes;

import java.util.List;

/** Objects on a background, before it is painted. */
public record Scene(List<Item> items, SceneBackground background) {
  public Scene {
    items = List.copyOf(items);
  }

  /** A thing about (x, y) with radius r, in shares of the width. */
  public record Item(Thing thing, double x, double y, double r) {}
}
