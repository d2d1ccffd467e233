package dev.blip3o.training.prompts;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A prompt, and what rewards may want to know beside it. Immutable.
 *
 * @param text what is drawn
 * @param fields further fields of its line, by name, in their order; mostly none
 */
public record TrainingPrompt(String text, Map<String, String> fields) {
  /** Copies the fields. */
  public TrainingPrompt {
    Objects.requireNonNull(text, "text");
    fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
  }

  /** A prompt without further fields. */
  public static TrainingPrompt of(String text) {
    return new TrainingPrompt(text, Map.of());
  }
}
