package dev.blip3o.cli;

import java.util.Map;
import java.util.function.Supplier;

/** Requests of the Java API, made from options. */
final class Requests {
  /** What the messages of the API call a value, and what the user calls it. */
  private static final OptionNames OPTIONS =
      new OptionNames(
          Map.ofEntries(
              Map.entry("count", "--count"),
              Map.entry("steps", "--steps"),
              Map.entry("guidance", "--guidance"),
              Map.entry("temperature", "--temperature"),
              Map.entry("topK", "--top-k"),
              Map.entry("topP", "--top-p"),
              Map.entry("strength", "--strength"),
              Map.entry("maxPixels", "--max-pixels"),
              Map.entry("threads", "--threads"),
              Map.entry("memoryLimitBytes", "--memory"),
              Map.entry("host", "--host"),
              Map.entry("port", "--port"),
              Map.entry("perKeyConcurrency", "--key-concurrency"),
              Map.entry("perKeyRequestsPerMinute", "--key-rate"),
              Map.entry("queueLimit", "--queue"),
              Map.entry("maxRequestBytes", "--max-request"),
              Map.entry("modelAliases", "--model-alias"),
              Map.entry("publicUrl", "--public-url"),
              Map.entry("urlTtl", "--url-ttl"),
              Map.entry("urlStoreBytes", "--url-memory"),
              Map.entry("drainTimeout", "--drain-timeout"),
              Map.entry("readTimeout", "--read-timeout"),
              Map.entry("keepAliveInterval", "--keep-alive")));

  private Requests() {}

  /**
   * What {@code request} makes.
   *
   * @throws UsageException if the API refuses it; the message names the option
   */
  static <T> T named(Supplier<T> request) {
    return OPTIONS.in(request);
  }
}
