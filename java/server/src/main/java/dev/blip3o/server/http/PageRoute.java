package dev.blip3o.server.http;

import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The web page and its files, from the class path. They are read once: the page is small.
 *
 * <p>Threads: safe for use by any thread.
 */
public final class PageRoute {
  private static final String FOLDER = "/dev/blip3o/server/page/";
  private static final String INDEX = "index.html";
  private static final String ROUTE = "/{page}";

  /** Names of the page's own files: no dot begins one, so that no path leads out of the folder. */
  private static final String NAME =
      "(?:[a-z0-9_-]{1,40}/){0,3}[a-z0-9_-]{1,60}(?:\\.[a-z0-9]{1,12}){1,2}";

  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "mjs", "text/javascript; charset=utf-8",
          "json", "application/json",
          "svg", "image/svg+xml",
          "png", "image/png",
          "webmanifest", "application/manifest+json",
          "woff2", "font/woff2");

  private final Map<String, Buffer> files = new ConcurrentHashMap<>();

  /** Adds the routes; after all others, since they take every path that looks like a file. */
  public void mount(Router router) {
    Reading.at(router, "/").handler(this::handle);
    // Not every path: an address of the API under another method is a 405.
    Reading.matching(router, "/" + NAME).handler(this::handle);
  }

  private void handle(RoutingContext context) {
    String path = context.normalizedPath().substring(1);
    String name = path.isEmpty() ? INDEX : path;
    Optional<String> type = type(name);
    Optional<Buffer> file = type.isEmpty() ? Optional.empty() : file(name);
    if (file.isEmpty()) {
      context.next();
      return;
    }
    Exchanges.met(context, ROUTE);
    context.response().putHeader("Content-Type", type.get()).end(file.get());
  }

  private static Optional<String> type(String name) {
    return name.matches(NAME)
        ? Optional.ofNullable(TYPES.get(name.substring(name.lastIndexOf('.') + 1)))
        : Optional.empty();
  }

  private Optional<Buffer> file(String name) {
    Buffer known = files.get(name);
    if (known != null) {
      return Optional.of(known);
    }
    try (InputStream in = PageRoute.class.getResourceAsStream(FOLDER + name)) {
      if (in == null) {
        return Optional.empty();
      }
      Buffer read = Buffer.buffer(in.readAllBytes());
      files.put(name, read);
      return Optional.of(read);
    } catch (IOException e) {
      throw new UncheckedIOException("a file of the page can't be read", e);
    }
  }
}
