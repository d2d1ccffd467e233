package dev.blip3o.cli;

import dev.blip3o.ModelMetrics;

/**
 * What a model did between two looks at its metrics.
 *
 * @param tokens image tokens drawn
 * @param tokenBatches passes over the weights in which they were
 * @param steps denoising steps
 * @param pictures pictures decoded
 * @param promptsComputed prompts that were computed
 * @param promptsReused prompts that were known
 */
record WorkDone(
    long tokens,
    long tokenBatches,
    long steps,
    long pictures,
    long promptsComputed,
    long promptsReused) {
  static final WorkDone NONE = new WorkDone(0, 0, 0, 0, 0, 0);

  static WorkDone between(ModelMetrics before, ModelMetrics after) {
    return new WorkDone(
        after.tokens() - before.tokens(),
        after.tokenBatches() - before.tokenBatches(),
        after.steps() - before.steps(),
        after.pictures() - before.pictures(),
        after.promptsComputed() - before.promptsComputed(),
        after.promptsReused() - before.promptsReused());
  }

  WorkDone plus(WorkDone other) {
    return new WorkDone(
        tokens + other.tokens,
        tokenBatches + other.tokenBatches,
        steps + other.steps,
        pictures + other.pictures,
        promptsComputed + other.promptsComputed,
        promptsReused + other.promptsReused);
  }

  /** Requests that drew a token in one pass over the weights, on average; 0 without a pass. */
  double tokenBatchOccupancy() {
    return tokenBatches == 0 ? 0 : (double) tokens / tokenBatches;
  }
}
