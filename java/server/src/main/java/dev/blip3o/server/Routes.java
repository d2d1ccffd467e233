package dev.blip3o.server;

import dev.blip3o.server.health.Lifecycle;
import dev.blip3o.server.http.Connections;
import dev.blip3o.server.http.ErrorHandler;
import dev.blip3o.server.http.Exchanges;
import dev.blip3o.server.http.FileRoute;
import dev.blip3o.server.http.Framing;
import dev.blip3o.server.http.Gate;
import dev.blip3o.server.http.HealthRoutes;
import dev.blip3o.server.http.ModelRoutes;
import dev.blip3o.server.http.PageRoute;
import dev.blip3o.server.http.PictureRoutes;
import dev.blip3o.server.http.SecurityHeaders;
import dev.blip3o.server.limits.ClientLimits;
import dev.blip3o.server.limits.KeyRing;
import dev.blip3o.server.model.ServedModel;
import dev.blip3o.server.pictures.PictureFormat;
import dev.blip3o.server.pictures.PictureStore;
import dev.blip3o.server.pictures.WorkingFormats;
import dev.blip3o.server.telemetry.ServerMetrics;
import io.vertx.core.Vertx;
import io.vertx.ext.web.Router;
import java.util.Optional;
import java.util.Set;

/** Puts the routes of a server together. */
final class Routes {
  /** What Vert.x itself answers with where no route does. */
  private static final int[] STATUSES = {400, 404, 405, 406, 413, 415, 500};

  private final ServerOptions options;
  private final ServedModel model;
  private final Optional<KeyRing> keys;
  private final Lifecycle life;
  private final PictureStore pictures;
  private final ServerMetrics metrics;
  private final Connections connections;

  Routes(
      ServerOptions options,
      ServedModel model,
      Optional<KeyRing> keys,
      Lifecycle life,
      PictureStore pictures,
      ServerMetrics metrics,
      Connections connections) {
    this.options = options;
    this.model = model;
    this.keys = keys;
    this.life = life;
    this.pictures = pictures;
    this.metrics = metrics;
    this.connections = connections;
  }

  Router router(Vertx vertx) {
    Router router = Router.router(vertx);
    ErrorHandler errors = new ErrorHandler(life, metrics);
    for (int status : STATUSES) {
      router.errorHandler(status, errors);
    }
    router
        .route()
        .handler(new Exchanges(metrics))
        .handler(connections.requests())
        .handler(new SecurityHeaders())
        .handler(new Framing())
        .failureHandler(errors);
    HealthRoutes.mount(router, life, metrics);
    FileRoute.mount(router, pictures);
    Gate gate = gate();
    Set<PictureFormat> formats = WorkingFormats.find();
    new ModelRoutes(model, options.modelAliases(), formats).mount(router, gate);
    new PictureRoutes(model, settings(formats), pictures, errors).mount(router, gate);
    new PageRoute().mount(router);
    return router;
  }

  private PictureRoutes.Settings settings(Set<PictureFormat> formats) {
    return new PictureRoutes.Settings(
        options.maxRequestBytes(),
        options.maxPixels(),
        options.keepAliveInterval(),
        formats,
        options.modelAliases(),
        options.publicUrl());
  }

  /** Who may ask for pictures. */
  private Gate gate() {
    ClientLimits limits =
        new ClientLimits(options.perKeyConcurrency(), options.perKeyRequestsPerMinute());
    return new Gate(keys, limits, life, metrics);
  }
}
