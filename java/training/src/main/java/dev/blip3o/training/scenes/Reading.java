package dev.blip3o.training.scenes;

import java.util.List;
import java.util.Optional;

/**
 * What a picture shows.
 *
 * @param background the colour that most of its border has
 * @param objects every object, in no order that matters
 */
public record Reading(SceneBackground background, List<Found> objects) {
  /** Copies the list. */
  public Reading {
    objects = List.copyOf(objects);
  }

  /**
   * An object.
   *
   * @param thing its shape and colour
   * @param x centre of its bounding box, in shares of the width
   * @param y the same, in shares of the height
   * @param overlap how well its shape fits: intersection over union
   */
  public record Found(Thing thing, double x, double y, double overlap) {}

  Optional<Found> first(Thing thing) {
    return objects.stream().filter(found -> found.thing().equals(thing)).findFirst();
  }
}
