package dev.blip3o.e2e.scenes;

import java.util.List;

/** What a picture shows. */
public record Reading(SceneBackground background, List<Found> objects) {
  public Reading {
    objects = List.copyOf(objects);
  }

  /**
   * An object.
   *
   * @param x centre of its bounding box, in shares of the width
   * @param y the same, in shares of the height
   * @param overlap how well its shape fits: intersection over union
   */
  public record Found(Thing thing, double x, double y, double overlap) {}

  Found first(Thing thing) {
    return objects.stream().filter(found -> found.thing().equals(thing)).findFirst().orElseThrow();
  }
}
