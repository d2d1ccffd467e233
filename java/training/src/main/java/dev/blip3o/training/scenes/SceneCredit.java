package dev.blip3o.training.scenes;

import java.util.ArrayList;
import java.util.List;

/**
 * How much of a caption a picture shows, from 0 to 1; 1 exactly where {@link Caption#holds}.
 *
 * <p>A weighted mean of three shares:
 *
 * <ul>
 *   <li>objects, weight 3: wanted and found objects are paired so that most of them fit; a pair is
 *       worth 1 where shape and colour are right, a half where one of them is. Their sum is divided
 *       by the larger of the two numbers of objects, so that missing and extra ones both cost;
 *   <li>background, weight 1: 1 or 0;
 *   <li>position, weight 1, where the caption has one: 1 where both objects are there and lie as it
 *       says, else 0.
 * </ul>
 */
public final class SceneCredit {
  private static final double OBJECTS = 3;
  private static final double BACKGROUND = 1;
  private static final double POSITION = 1;

  private SceneCredit() {}

  /** The share of {@code caption} that {@code reading} shows. */
  public static double of(Caption caption, Reading reading) {
    double position = caption.kind() == Caption.Kind.POSITION ? POSITION : 0;
    double earned = OBJECTS * objects(caption, reading);
    earned += reading.background() == caption.background() ? BACKGROUND : 0;
    earned += caption.relationHolds(reading) ? position : 0;
    return earned / (OBJECTS + BACKGROUND + position);
  }

  private static double objects(Caption caption, Reading reading) {
    List<Thing> wanted = new ArrayList<>(caption.things());
    List<Thing> found = new ArrayList<>();
    reading.objects().forEach(object -> found.add(object.thing()));
    int most = Math.max(wanted.size(), found.size());
    // An exact pair takes at most the halves of two others, so exact pairs first is best.
    wanted.removeIf(found::remove);
    int exact = caption.things().size() - wanted.size();
    return (exact + best(wanted, found, 0) / 2.0) / most;
  }

  /** The most pairs with one thing right that can be made of the wanted ones from {@code from}. */
  private static int best(List<Thing> wanted, List<Thing> found, int from) {
    if (from == wanted.size()) {
      return 0;
    }
    int best = best(wanted, found, from + 1);
    for (Thing thing : List.copyOf(found)) {
      if (halfRight(wanted.get(from), thing)) {
        List<Thing> rest = new ArrayList<>(found);
        rest.remove(thing);
        best = Math.max(best, 1 + best(wanted, rest, from + 1));
      }
    }
    return best;
  }

  private static boolean halfRight(Thing wanted, Thing found) {
    return wanted.shape() == found.shape() || wanted.color() == found.color();
  }
}
