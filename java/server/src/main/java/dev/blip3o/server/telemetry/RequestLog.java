package dev.blip3o.server.telemetry;

import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The log of requests, {@code dev.blip3o.server.requests}: one line for each answer at level INFO,
 * those of probes, metrics and the page at DEBUG. A line holds what {@link Exchange} holds and
 * nothing else: no prompt, no key, no address of a client or a picture.
 *
 * <p>Threads: safe for use by any thread.
 */
public final class RequestLog {
  /** The name of the logger. */
  public static final String NAME = "dev.blip3o.server.requests";

  private static final String API = "/v1/";

  private final Logger log = LoggerFactory.getLogger(NAME);

  /** Writes the line of an answered request. */
  public void write(Exchange exchange) {
    if (exchange.route().startsWith(API)) {
      log.info(line(exchange));
    } else if (log.isDebugEnabled()) {
      log.debug(line(exchange));
    }
  }

  private static String line(Exchange exchange) {
    return String.format(
        Locale.ROOT,
        "request %d: %s %s by %s: %d, %d bytes, %d ms",
        exchange.id(),
        exchange.method(),
        exchange.route(),
        exchange.client(),
        exchange.status(),
        exchange.bytes(),
        exchange.time().toMillis());
  }
}
