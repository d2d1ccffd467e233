package dev.blip3o.e2e.scenes;

import dev.blip3o.training.scenes.Reading;
import dev.blip3o.training.scenes.SceneBackground;
import dev.blip3o.training.scenes.Thing;
import java.util.List;

/** What an edited picture must show: these objects and no other, on this background. */
public record WantedScene(SceneBackground background, List<Wanted> objects) {
  /** How far the centre of a kept object may have moved, in shares of the width. */
  private static final double TOLERANCE = 0.05;

  public WantedScene {
    objects = List.copyOf(objects);
  }

  /**
   * An object.
   *
   * @param x centre of its bounding box, in shares of the width
   * @param y the same, in shares of the height
   * @param kept whether it was there before the edit, so that it must not move
   */
  public record Wanted(Thing thing, double x, double y, boolean kept) {
    private boolean isAt(Reading.Found found) {
      return found.thing().equals(thing)
          && Math.abs(found.x() - x) <= TOLERANCE
          && Math.abs(found.y() - y) <= TOLERANCE;
    }
  }

  /** Whether the picture shows this and nothing else, kept objects in place. */
  public boolean shownBy(Reading reading) {
    List<Thing> found = reading.objects().stream().map(Reading.Found::thing).sorted().toList();
    List<Thing> wanted = objects.stream().map(Wanted::thing).sorted().toList();
    return reading.background() == background
        && found.equals(wanted)
        && objects.stream()
            .filter(Wanted::kept)
            .allMatch(object -> reading.objects().stream().anyMatch(object::isAt));
  }
}
