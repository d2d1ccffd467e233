package dev.blip3o.server.http;

import dev.blip3o.server.pictures.PictureStore;
import dev.blip3o.server.pictures.StoredPicture;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.Optional;

/**
 * Pictures at their addresses. Who knows an address needs no key: it holds 256 random bits, so that
 * an {@code img} element can show it.
 */
public final class FileRoute {
  /** What stands before a picture's id in the path of its address. */
  public static final String PREFIX = "/v1/files/pictures/";

  private static final String ROUTE = PREFIX + "{id}";

  private FileRoute() {}

  /** Adds the route. */
  public static void mount(Router router, PictureStore pictures) {
    Reading.at(router, PREFIX + ":id")
        .handler(Exchanges.route(ROUTE))
        .handler(context -> send(context, pictures));
  }

  private static void send(RoutingContext context, PictureStore pictures) {
    Optional<StoredPicture> picture = pictures.get(context.pathParam("id"));
    if (picture.isEmpty()) {
      context.fail(404);
      return;
    }
    context
        .response()
        .putHeader("Content-Type", picture.get().contentType())
        .putHeader("Content-Disposition", "inline")
        .end(Buffer.buffer(picture.get().bytes()));
  }
}
