package dev.blip3o.training.scenes;

import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a text says about a picture: every object, their place to each other, the background.
 *
 * @param kind what sort of claim it is
 * @param things every object that is there
 * @param relation how the first thing lies to the second
 * @param background white where the text names none
 */
public record Caption(
    Kind kind, List<Thing> things, Relation relation, SceneBackground background) {
  private static final Pattern BACKGROUND = Pattern.compile(" on an? (\\w+) background$");
  private static final Map<String, Integer> NUMBERS = Map.of("two", 2, "three", 3);

  /** Sorts of captions. */
  public enum Kind {
    /** {@code a large red circle}. */
    ONE_OBJECT,
    /** {@code a red circle and a blue square}. */
    TWO_OBJECTS,
    /** {@code a red circle above a blue square}. */
    POSITION,
    /** {@code two red circles}. */
    COUNT
  }

  /** Places of the first thing, seen from the second. */
  public enum Relation {
    /** Its centre is further left. */
    LEFT("to the left of"),
    /** Its centre is further right. */
    RIGHT("to the right of"),
    /** Its centre is higher. */
    ABOVE("above"),
    /** Its centre is lower. */
    BELOW("below"),
    /** The text does not say. */
    ANYWHERE("and");

    private final String words;

    Relation(String words) {
      this.words = words;
    }

    String words() {
      return words;
    }

    boolean holds(double x, double y, double otherX, double otherY) {
      return switch (this) {
        case LEFT -> x < otherX;
        case RIGHT -> x > otherX;
        case ABOVE -> y < otherY;
        case BELOW -> y > otherY;
        case ANYWHERE -> true;
      };
    }
  }

  /** Copies the list. */
  public Caption {
    things = List.copyOf(things);
  }

  /**
   * Understands a text.
   *
   * @throws IllegalArgumentException if it is none of the demo's sentences
   */
  public static Caption parse(String text) {
    try {
      return sentence(text);
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new IllegalArgumentException(
          "expected a sentence of the demo, as \"a red circle above a blue square on a gray"
              + " background\", but found \""
              + text
              + "\"",
          e);
    }
  }

  private static Caption sentence(String text) {
    Matcher matcher = BACKGROUND.matcher(text);
    SceneBackground background = SceneBackground.WHITE;
    String body = text;
    if (matcher.find()) {
      background = SceneBackground.valueOf(upper(matcher.group(1)));
      body = text.substring(0, matcher.start());
    }
    String[] words = body.split(" ");
    if (NUMBERS.containsKey(words[0])) {
      Thing thing = new Thing(shapeOfPlural(words[2]), color(words[1]));
      List<Thing> things = Collections.nCopies(NUMBERS.get(words[0]), thing);
      return new Caption(Kind.COUNT, things, Relation.ANYWHERE, background);
    }
    for (Relation relation : Relation.values()) {
      String[] sides = body.split(" " + relation.words() + " ");
      if (sides.length == 2) {
        Kind kind = relation == Relation.ANYWHERE ? Kind.TWO_OBJECTS : Kind.POSITION;
        return new Caption(kind, List.of(thing(sides[0]), thing(sides[1])), relation, background);
      }
    }
    return new Caption(Kind.ONE_OBJECT, List.of(thing(body)), Relation.ANYWHERE, background);
  }

  /** Whether the picture shows this and nothing else. */
  public boolean holds(Reading reading) {
    List<Thing> found = reading.objects().stream().map(Reading.Found::thing).sorted().toList();
    if (reading.background() != background || !found.equals(things.stream().sorted().toList())) {
      return false;
    }
    return relationHolds(reading);
  }

  /** Whether both things of a position are there and lie as it says; of other kinds always. */
  boolean relationHolds(Reading reading) {
    if (kind != Kind.POSITION) {
      return true;
    }
    // The two things of a position are different ones.
    Optional<Reading.Found> first = reading.first(things.get(0));
    Optional<Reading.Found> second = reading.first(things.get(1));
    return first.isPresent()
        && second.isPresent()
        && relation.holds(first.get().x(), first.get().y(), second.get().x(), second.get().y());
  }

  private static Thing thing(String noun) {
    String[] words = noun.split(" ");
    return new Thing(
        SceneShape.valueOf(upper(words[words.length - 1])), color(words[words.length - 2]));
  }

  private static SceneColor color(String word) {
    return SceneColor.valueOf(upper(word));
  }

  private static SceneShape shapeOfPlural(String word) {
    for (SceneShape shape : SceneShape.values()) {
      if (shape.plural().equals(word)) {
        return shape;
      }
    }
    throw new IllegalArgumentException("no plural of a shape: " + word);
  }

  private static String upper(String word) {
    return word.toUpperCase(Locale.ROOT);
  }
}
