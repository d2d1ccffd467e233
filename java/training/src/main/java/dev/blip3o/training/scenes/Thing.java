package dev.blip3o.training.scenes;

import java.util.Comparator;

/**
 * What an object is: {@code a red circle}.
 *
 * @param shape its outline
 * @param color its colour
 */
public record Thing(SceneShape shape, SceneColor color) implements Comparable<Thing> {
  private static final Comparator<Thing> ORDER =
      Comparator.comparing(Thing::shape).thenComparing(Thing::color);

  @Override
  public int compareTo(Thing other) {
    return ORDER.compare(this, other);
  }
}
