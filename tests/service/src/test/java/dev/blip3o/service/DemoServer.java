package dev.blip3o.service;

import dev.blip3o.Blip3oModel;
import dev.blip3o.server.Blip3oServer;
import dev.blip3o.server.ServerOptions;
import dev.blip3o.support.Repository;
import java.util.function.UnaryOperator;

/** The real server with the demo checkpoint, on a free port of loopback in this process. */
public final class DemoServer implements AutoCloseable {
  private final Blip3oModel model;
  private final Blip3oServer server;

  private DemoServer(Blip3oModel model, Blip3oServer server) {
    this.model = model;
    this.server = server;
  }

  /** Starts one with the default options. */
  public static DemoServer start() {
    return start(UnaryOperator.identity());
  }

  /** Starts one whose options are changed. */
  public static DemoServer start(UnaryOperator<ServerOptions.Builder> change) {
    ServerOptions options = change.apply(ServerOptions.builder(Repository.demo()).port(0)).build();
    Blip3oModel model = Blip3oModel.open(options.modelDirectory(), options.modelOptions());
    try {
      return new DemoServer(model, Blip3oServer.start(options, model));
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /** The model that it serves. */
  public Blip3oModel model() {
    return model;
  }

  /** Where it listens. */
  public int port() {
    return server.port();
  }

  /** For example {@code http://127.0.0.1:40123}. */
  String url() {
    return "http://127.0.0.1:" + port();
  }

  /** What {@code /metrics} says now. */
  Scrape scrape() {
    Answer answer = Wire.ask(port(), Wire.get("/metrics"));
    if (answer.status() != 200) {
      throw new IllegalStateException("/metrics answers " + answer.status());
    }
    return Scrape.parse(answer.text());
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
