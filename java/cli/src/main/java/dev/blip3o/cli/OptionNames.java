package dev.blip3o.cli;

import dev.blip3o.InvalidRequestException;
import java.util.Comparator;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What users call the values of the Java API: its messages begin with a value's name, those of the
 * command line with an option's.
 *
 * @param options the option of each value, for example {@code --top-k} of {@code topK}
 */
public record OptionNames(Map<String, String> options) {
  /** Copies the map. */
  public OptionNames {
    options = Map.copyOf(options);
  }

  /**
   * What {@code request} makes.
   *
   * @throws UsageException if the API refuses it; the message names the option
   */
  public <T> T in(Supplier<T> request) {
    try {
      return request.get();
    } catch (InvalidRequestException e) {
      throw new UsageException(in(e.getMessage()), e);
    }
  }

  private String in(String message) {
    return options.keySet().stream()
        .filter(name -> message.startsWith(name + " "))
        .max(Comparator.comparingInt(String::length))
        .map(name -> options.get(name) + message.substring(name.length()))
        .orElse(message);
  }
}
