package dev.blip3o.internal;

import dev.blip3o.ModelMetrics;
import dev.blip3o.bindings.blip3o_metrics;

/** {@code blip3o_metrics} in Java. */
final class NativeMetrics {
  private NativeMetrics() {}

  static ModelMetrics copy(blip3o_metrics from) {
    return new ModelMetrics(
        from.healthy() != 0,
        from.queued(),
        from.running(),
        from.memory_in_use_bytes(),
        from.memory_peak_bytes(),
        from.memory_limit_bytes(),
        from.memory_blocks(),
        from.submitted(),
        from.refused(),
        from.done(),
        from.failed(),
        from.cancelled(),
        from.expired(),
        Durations.ofSeconds(from.queue_seconds()),
        from.started(),
        Durations.ofSeconds(from.first_token_seconds()),
        from.first_tokens(),
        from.tokens(),
        from.token_batches(),
        from.steps(),
        from.pictures(),
        from.previews(),
        from.prompts_computed(),
        from.prompts_reused(),
        Durations.ofSeconds(from.encode_seconds()),
        Durations.ofSeconds(from.prefill_seconds()),
        Durations.ofSeconds(from.tokens_seconds()),
        Durations.ofSeconds(from.condition_seconds()),
        Durations.ofSeconds(from.steps_seconds()),
        Durations.ofSeconds(from.decode_seconds()));
  }
}
