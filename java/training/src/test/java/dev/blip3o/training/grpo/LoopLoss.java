package dev.blip3o.training.grpo;

/**
 * The loss once more, as plain loops over doubles, written from the papers and not from {@link
 * GrpoLoss}.
 */
final class LoopLoss {
  final double[][] drawn;
  final double[][] reference;
  final double[][] mask;
  final double[] advantages;
  private final GrpoSettings settings;

  LoopLoss(
      GrpoSettings settings,
      double[][] drawn,
      double[][] reference,
      double[][] mask,
      double[] advantages) {
    this.settings = settings;
    this.drawn = drawn;
    this.reference = reference;
    this.mask = mask;
    this.advantages = advantages;
  }

  double of(double[][] logProbabilities) {
    double overSequences = 0;
    double overTokens = 0;
    double tokens = 0;
    for (int i = 0; i < logProbabilities.length; i++) {
      double sequence = 0;
      double length = 0;
      for (int t = 0; t < logProbabilities[i].length; t++) {
        if (mask[i][t] == 1) {
          sequence += token(i, t, logProbabilities[i][t]);
          length++;
        }
      }
      overSequences += length == 0 ? 0 : sequence / length;
      overTokens += sequence;
      tokens += length;
    }
    return switch (settings.variant()) {
      case GRPO -> overSequences / logProbabilities.length;
      case BNPO -> overTokens / tokens;
      case DR_GRPO -> overTokens / logProbabilities.length / settings.maxLength();
    };
  }

  private double token(int i, int t, double logProbability) {
    double ratio = Math.exp(logProbability) / Math.exp(drawn[i][t]);
    double advantage = advantages[i];
    double gain;
    if (advantage > 0) {
      gain = Math.min(ratio, 1 + settings.clip()) * advantage;
    } else {
      gain = Math.max(ratio, 1 - settings.clip()) * advantage;
    }
    double odds = Math.exp(reference[i][t]) / Math.exp(logProbability);
    return -gain + settings.klWeight() * (odds - Math.log(odds) - 1);
  }

  /** The derivative by one entry, from central differences. */
  double slope(double[][] logProbabilities, int i, int t) {
    double step = 1e-6;
    double value = logProbabilities[i][t];
    logProbabilities[i][t] = value + step;
    double above = of(logProbabilities);
    logProbabilities[i][t] = value - step;
    double below = of(logProbabilities);
    logProbabilities[i][t] = value;
    return (above - below) / (2 * step);
  }
}
