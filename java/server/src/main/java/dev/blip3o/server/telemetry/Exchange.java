package dev.blip3o.server.telemetry;

import java.time.Duration;
import java.util.Objects;

/**
 * One request and its answer, as operators see it.
 *
 * @param id a number of this process, so that lines of a log can be told apart
 * @param method of HTTP; anything unusual is {@code OTHER}
 * @param route the pattern that the request's path met, such as {@code /files/{id}}, never the path
 *     itself, which clients choose and which may be the address of a picture; {@code none} where it
 *     met none
 * @param client the name of its key; {@code -} where there are no keys
 * @param status of HTTP; 499 if the client went away before
 * @param bytes of the answer's body
 * @param time from the request's head to the answer's end
 */
public record Exchange(
    long id, String method, String route, String client, int status, long bytes, Duration time) {
  /** The status of a request whose client went away before it had its answer. */
  public static final int CLIENT_GONE = 499;

  /** What stands for a path that meets no route. */
  public static final String NO_ROUTE = "none";

  /** What stands for the client where there are no keys. */
  public static final String NO_CLIENT = "-";

  /** Checks that nothing is null. */
  public Exchange {
    method = knownMethod(Objects.requireNonNull(method, "method"));
    Objects.requireNonNull(route, "route");
    Objects.requireNonNull(client, "client");
    Objects.requireNonNull(time, "time");
  }

  /** Clients can write anything there: it would be a meter each. */
  private static String knownMethod(String method) {
    return switch (method) {
      case "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH" -> method;
      default -> "OTHER";
    };
  }
}
