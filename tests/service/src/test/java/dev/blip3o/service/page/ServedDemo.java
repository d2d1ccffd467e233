package dev.blip3o.service.page;

import dev.blip3o.Blip3oModel;
import dev.blip3o.server.Blip3oServer;
import dev.blip3o.server.ServerOptions;
import java.nio.file.Path;
import java.util.function.UnaryOperator;

/** The demo checkpoint, and a server of it. */
final class ServedDemo implements AutoCloseable {
  static final Path ROOT =
      Path.of(System.getProperty("blip3o.root", "../..")).toAbsolutePath().normalize();

  private final Blip3oModel model;
  private final Blip3oServer server;

  private ServedDemo(Blip3oModel model, Blip3oServer server) {
    this.model = model;
    this.server = server;
  }

  /** Starts a server with the defaults but for {@code change}. */
  static ServedDemo start(UnaryOperator<ServerOptions.Builder> change) {
    Path demo = ROOT.resolve("weights/demo");
    Blip3oModel model = Blip3oModel.open(demo);
    try {
      ServerOptions options = change.apply(ServerOptions.builder(demo).port(0)).build();
      return new ServedDemo(model, Blip3oServer.start(options, model));
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
  }

  Blip3oModel model() {
    return model;
  }

  int port() {
    return server.port();
  }

  @Override
  public void close() {
    try {
      server.close();
    } finally {
      model.close();
    }
  }
}
