package dev.blip3o.training.run;

/**
 * Seeds that depend on the run's seed and on where they are used, so that a resumed run has those
 * of an uninterrupted one.
 */
public final class Seeds {
  private static final long GOLDEN_RATIO = 0x9E3779B97F4A7C15L;

  private final long seed;

  /** Those of a run. */
  public Seeds(long seed) {
    this.seed = seed;
  }

  /**
   * That of a group's first picture.
   *
   * @param step from 1
   * @param group from 0
   */
  public long group(int step, int group) {
    return mix(mix(mix(seed) + step) + group);
  }

  /** That of the order in which the prompts are taken in the given round, from 0. */
  public long order(int round) {
    return mix(mix(seed) ^ ~round);
  }

  /** The finaliser of SplitMix64: Steele, Lea and Flood, OOPSLA 2014. */
  private static long mix(long value) {
    long z = value + GOLDEN_RATIO;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
