package dev.blip3o;

import java.nio.FloatBuffer;

/**
 * How likely the image tokens of a picture were: {@code [N, 2]} F32, natural logarithms, 0 or less.
 *
 * <p>Column 0 is the probability in the distribution that the token was drawn from, after
 * temperature, top-k and top-p; it is 0 (certain) where the token was the largest logit at
 * temperature 0 or top-k 1. Column 1 is the probability in the softmax of all image tokens at
 * temperature 1. At temperature 1 with neither top-k nor top-p both are the same number.
 */
public final class LogProbabilities extends FloatTensor {
  private LogProbabilities(FloatBuffer values, int tokens) {
    super("log-probabilities", values, tokens, 2);
  }

  static LogProbabilities owning(FloatBuffer values, int tokens) {
    return new LogProbabilities(values, tokens);
  }

  /** N. */
  public int tokens() {
    return size(0);
  }

  /** Token {@code i}'s, from 0, in the distribution that it was drawn from. */
  public float drawn(int i) {
    return values().get(2 * i);
  }

  /** Token {@code i}'s, from 0, in the softmax of all image tokens. */
  public float full(int i) {
    return values().get(2 * i + 1);
  }
}
