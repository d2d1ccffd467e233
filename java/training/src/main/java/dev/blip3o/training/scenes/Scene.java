package dev.blip3o.training.scenes;

import java.util.List;

/**
 * Objects on a background, before it is painted.
 *
 * @param items the objects, the last in front
 * @param background what lies behind them
 */
public record Scene(List<Item> items, SceneBackground background) {
  /** Copies the list. */
  public Scene {
    items = List.copyOf(items);
  }

  /**
   * A thing in its place.
   *
   * @param thing what it is
   * @param x its middle, in shares of the width
   * @param y its middle, in shares of the height
   * @param r its radius, in shares of the width
   */
  public record Item(Thing thing, double x, double y, double r) {}
}
