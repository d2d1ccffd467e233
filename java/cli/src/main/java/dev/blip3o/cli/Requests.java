package dev.blip3o.cli;

import dev.blip3o.InvalidRequestException;
import java.util.Map;
import java.util.function.Supplier;

/** Requests of the Java API, made from options. */
final class Requests {
  /** What the messages of the API call a value, and what the user calls it. */
  private static final Map<String, String> OPTIONS =
      Map.of(
          "count", "--count",
          "steps", "--steps",
          "guidance", "--guidance",
          "temperature", "--temperature",
          "topK", "--top-k",
          "topP", "--top-p",
          "strength", "--strength",
          "maxPixels", "--max-pixels",
          "threads", "--threads",
          "memoryLimitBytes", "--memory");

  private Requests() {}

  /**
   * What {@code request} makes.
   *
   * @throws UsageException if the API refuses it; the message names the option
   */
  static <T> T named(Supplier<T> request) {
    try {
      return request.get();
    } catch (InvalidRequestException e) {
      throw new UsageException(named(e.getMessage()), e);
    }
  }

  private static String named(String message) {
    int space = message.indexOf(' ');
    String option = space < 0 ? null : OPTIONS.get(message.substring(0, space));
    return option == null ? message : option + message.substring(space);
  }
}
