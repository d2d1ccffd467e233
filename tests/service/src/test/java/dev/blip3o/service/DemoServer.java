package dev.blip3o.service;

import dev.blip3o.server.Blip3oServer;
import dev.blip3o.server.ServerOptions;
import java.util.function.UnaryOperator;

/** The real server with the demo checkpoint on a free port of loopback. */
final class DemoServer implements AutoCloseable {
  private final Blip3oServer server;

  private DemoServer(Blip3oServer server) {
    this.server = server;
  }

  /** Starts one with the default options. */
  static DemoServer start() {
    return start(UnaryOperator.identity());
  }

  /** Starts one whose options are changed. */
  static DemoServer start(UnaryOperator<ServerOptions.Builder> change) {
    ServerOptions.Builder options = ServerOptions.builder(Repository.demo()).port(0);
    return new DemoServer(Blip3oServer.start(change.apply(options).build()));
  }

  int port() {
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
    server.close();
  }
}
