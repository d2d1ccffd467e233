package dev.blip3o.e2e.scenes;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/**
 * How many pictures of each kind are right.
 *
 * @param <K> the kinds
 */
public final class Tally<K extends Enum<K>> {
  private final Map<K, int[]> counts;
  private int right;
  private int all;

  /** An empty one. */
  public Tally(Class<K> kinds) {
    this.counts = new EnumMap<>(kinds);
  }

  /** Counts one picture. */
  public void add(K kind, boolean isRight) {
    int[] count = counts.computeIfAbsent(kind, k -> new int[2]);
    count[0] += isRight ? 1 : 0;
    count[1]++;
    right += isRight ? 1 : 0;
    all++;
  }

  /** How many are right. */
  public int right() {
    return right;
  }

  /** One line: each kind, then all. */
  @Override
  public String toString() {
    StringBuilder line = new StringBuilder();
    counts.forEach(
        (kind, count) ->
            line.append(
                String.format(
                    Locale.ROOT,
                    "%s %d of %d, ",
                    kind.name().toLowerCase(Locale.ROOT).replace('_', ' '),
                    count[0],
                    count[1])));
    return line.append("all ").append(right).append(" of ").append(all).toString();
  }
}
