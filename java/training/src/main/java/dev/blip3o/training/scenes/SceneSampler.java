package dev.blip3o.training.scenes;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Random scenes with their captions, in the demo's words. Equal seeds give equal scenes. */
public final class SceneSampler {
  /** Places are tried so often before all objects are placed anew. */
  private static final int TRIES = 200;

  private final Random random;

  /** Scenes of this seed. */
  public SceneSampler(long seed) {
    random = new Random(seed);
  }

  /**
   * A scene and the text that describes it.
   *
   * @param scene what is drawn
   * @param text one of the demo's sentences
   */
  public record Sample(Scene scene, String text) {}

  /** The next scene. */
  public Sample next() {
    SceneBackground background =
        random.nextInt(100) < 55 ? pick(SceneBackground.values()) : SceneBackground.WHITE;
    Caption.Kind kind = pick(Caption.Kind.values());
    Sample sample =
        switch (kind) {
          case ONE_OBJECT -> one(background);
          case COUNT -> several(background);
          case TWO_OBJECTS -> two(Caption.Relation.ANYWHERE, background);
          case POSITION -> two(Caption.Relation.values()[random.nextInt(4)], background);
        };
    if (background == SceneBackground.WHITE && random.nextInt(5) > 0) {
      return sample;
    }
    String text = sample.text() + " on a " + background.word() + " background";
    return new Sample(sample.scene(), text);
  }

  private Sample one(SceneBackground background) {
    Thing thing = thing();
    return switch (random.nextInt(3)) {
      case 0 -> one(background, thing, "small", 0.12, 0.16);
      case 1 -> one(background, thing, "large", 0.34, 0.42);
      default -> one(background, thing, "", 0.18, 0.32);
    };
  }

  private Sample one(
      SceneBackground background, Thing thing, String size, double minRadius, double maxRadius) {
    Scene scene = new Scene(place(List.of(thing), minRadius, maxRadius), background);
    return new Sample(scene, noun(size, thing));
  }

  private Sample several(SceneBackground background) {
    int count = 2 + random.nextInt(2);
    Thing thing = thing();
    Scene scene = new Scene(place(Collections.nCopies(count, thing), 0.14, 0.20), background);
    String number = count == 2 ? "two" : "three";
    return new Sample(scene, number + " " + thing.color().word() + " " + thing.shape().plural());
  }

  private Sample two(Caption.Relation relation, SceneBackground background) {
    Thing first = thing();
    Thing second = thing();
    while (second.equals(first)) {
      second = thing();
    }
    List<Scene.Item> items = place(List.of(first, second), 0.15, 0.23);
    while (!clearly(relation, items.get(0), items.get(1))) {
      items = place(List.of(first, second), 0.15, 0.23);
    }
    String text = noun("", first) + " " + relation.words() + " " + noun("", second);
    return new Sample(new Scene(items, background), text);
  }

  /**
   * Whether the relation is plain to see: far apart along its axis, near each other along the other
   * one.
   */
  private static boolean clearly(Caption.Relation relation, Scene.Item a, Scene.Item b) {
    if (relation == Caption.Relation.ANYWHERE) {
      return true;
    }
    boolean horizontal = relation == Caption.Relation.LEFT || relation == Caption.Relation.RIGHT;
    double dx = Math.abs(a.x() - b.x());
    double dy = Math.abs(a.y() - b.y());
    return relation.holds(a.x(), a.y(), b.x(), b.y())
        && (horizontal ? dx : dy) >= 0.3
        && (horizontal ? dy : dx) <= 0.3;
  }

  /** Places the things so that none touches another or the border. */
  private List<Scene.Item> place(List<Thing> things, double minRadius, double maxRadius) {
    List<Scene.Item> items = new ArrayList<>();
    int tries = 0;
    while (items.size() < things.size()) {
      double r = between(minRadius, maxRadius);
      double x = between(1.1 * r, 1 - 1.1 * r);
      double y = between(1.1 * r, 1 - 1.1 * r);
      if (items.stream().allMatch(item -> apart(item, x, y, r))) {
        items.add(new Scene.Item(things.get(items.size()), x, y, r));
      }
      if (++tries % TRIES == 0) {
        items.clear();
      }
    }
    return items;
  }

  private static boolean apart(Scene.Item item, double x, double y, double r) {
    return Math.hypot(item.x() - x, item.y() - y) > 1.25 * (item.r() + r);
  }

  private double between(double min, double max) {
    return min + (max - min) * random.nextDouble();
  }

  private Thing thing() {
    return new Thing(pick(SceneShape.values()), pick(SceneColor.values()));
  }

  private <T> T pick(T[] values) {
    return values[random.nextInt(values.length)];
  }

  private static String noun(String size, Thing thing) {
    String words =
        (size.isEmpty() ? "" : size + " ") + thing.color().word() + " " + thing.shape().word();
    return (words.startsWith("orange") ? "an " : "a ") + words;
  }
}
