package dev.blip3o.training;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How a model's pictures were scored.
 *
 * @param all of all prompts
 * @param kinds of those prompts whose field {@code kind} has the same value, by that value, in the
 *     order of the file; empty where no prompt has one
 */
public record EvaluationResult(Share all, Map<String, Share> kinds) {
  /** Copies the map. */
  public EvaluationResult {
    kinds = Collections.unmodifiableMap(new LinkedHashMap<>(kinds));
  }

  /**
   * The mean of some scores.
   *
   * @param count how many, 1 or more
   * @param mean of them
   * @param standardError of the mean: the sample's standard deviation by the root of their number;
   *     0 of one
   */
  public record Share(int count, double mean, double standardError) {}
}
