package dev.blip3o.training.rewards;

import dev.blip3o.training.prompts.TrainingPrompt;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The text that a picture shall show: the field {@code text} of the prompt's line or, where there
 * is none, what stands in the prompt's first pair of double quotes, straight or curly.
 */
final class WantedText {
  private static final String FIELD = "text";
  private static final Pattern QUOTED = Pattern.compile("[\"\u201C]([^\"\u201C\u201D]+)[\"\u201D]");

  private WantedText() {}

  /** The text, if the prompt wants one that has a character other than space. */
  static Optional<String> of(TrainingPrompt prompt) {
    String text = prompt.fields().get(FIELD);
    if (text == null) {
      Matcher quoted = QUOTED.matcher(prompt.text());
      text = quoted.find() ? quoted.group(1) : "";
    }
    return Optional.of(text).filter(value -> !value.isBlank());
  }
}
