package dev.blip3o.server.http;

import dev.blip3o.server.openai.ApiError;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;

/**
 * Server-sent events in the answer of one request. While there are none, comments keep the
 * connection alive through proxies.
 *
 * <p>Threads: for the request's event loop alone.
 */
final class EventStream {
  private static final Buffer KEEP_ALIVE = Buffer.buffer(": keep-alive\n\n");

  private final HttpServerResponse response;
  private final Context context;
  private final long timer;
  private boolean quiet = true;
  private boolean ended;

  /** Begins the answer. */
  EventStream(HttpServerResponse response, Context context, Duration keepAlive) {
    this.response = response;
    this.context = context;
    response.setChunked(true);
    response.putHeader("Content-Type", "text/event-stream; charset=utf-8");
    response.putHeader("X-Accel-Buffering", "no");
    response.write(Buffer.buffer(": the request was taken\n\n"));
    timer = context.owner().setPeriodic(keepAlive.toMillis(), id -> keepAlive());
  }

  private void keepAlive() {
    if (response.closed()) {
      stop();
    } else if (quiet && !response.writeQueueFull()) {
      response.write(KEEP_ALIVE);
    }
    quiet = true;
  }

  /** The lines of an event: its name, and JSON without line ends. */
  static Buffer event(String name, byte[] json) {
    return Buffer.buffer(json.length + name.length() + 24)
        .appendString("event: ")
        .appendString(name)
        .appendString("\ndata: ")
        .appendBytes(json)
        .appendString("\n\n");
  }

  /** Whether the client reads more slowly than events come. */
  boolean full() {
    return response.writeQueueFull();
  }

  /** Whether nothing more can be sent. */
  boolean ended() {
    return ended || response.closed();
  }

  /** Sends what {@link #event} has made. */
  void send(Buffer event) {
    if (!ended()) {
      quiet = false;
      response.write(event);
    }
  }

  /** Ends the stream. A second call has no effect. */
  void end() {
    boolean open = !ended();
    stop();
    if (open) {
      response.end();
    }
  }

  /** Ends the stream with an error. */
  void fail(ApiError error) {
    send(event("error", Json.bytes(error.toJson())));
    end();
  }

  /** Sends nothing more, and lets the client's connection be. */
  private void stop() {
    ended = true;
    context.owner().cancelTimer(timer);
  }
}
