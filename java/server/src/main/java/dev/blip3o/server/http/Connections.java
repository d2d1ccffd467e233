package dev.blip3o.server.http;

import io.vertx.core.Handler;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Ends connections whose clients send nothing when it is their turn: between requests, within a
 * request's head, within its body. A client that waits for its answer may be silent for as long as
 * it likes.
 *
 * <p>Threads: for the event loop alone.
 */
public final class Connections {
  private final long patienceNanos;
  private final LongSupplier nanoTime;
  private final Map<HttpConnection, Client> clients = new HashMap<>();

  private static final class Client {
    private final Set<HttpServerRequest> requests = new HashSet<>();
    private long bytes;
    private long heardNanos;
  }

  /** Ends connections after {@code patience}, or up to twice of it: see {@link #sweep}. */
  public Connections(Duration patience) {
    this(patience, System::nanoTime);
  }

  Connections(Duration patience, LongSupplier nanoTime) {
    this.patienceNanos = patience.toNanos();
    this.nanoTime = nanoTime;
  }

  /** A client has come. */
  public void opened(HttpConnection connection) {
    Client client = new Client();
    client.heardNanos = nanoTime.getAsLong();
    clients.put(connection, client);
    connection.closeHandler(end -> clients.remove(connection));
  }

  /** The handler that learns of requests; it stands before all that waits. */
  public Handler<RoutingContext> requests() {
    return context -> {
      Client client = clients.get(context.request().connection());
      if (client != null) {
        client.requests.add(context.request());
        context.addEndHandler(end -> answered(client, context.request()));
      }
      context.next();
    };
  }

  private void answered(Client client, HttpServerRequest request) {
    client.requests.remove(request);
    client.heardNanos = nanoTime.getAsLong();
  }

  /** Ends the connections whose time is over; to be called as often as the patience is long. */
  public void sweep() {
    long now = nanoTime.getAsLong();
    for (Map.Entry<HttpConnection, Client> entry : new ArrayList<>(clients.entrySet())) {
      if (silent(entry.getValue(), now)) {
        entry.getKey().close();
      }
    }
  }

  private boolean silent(Client client, long now) {
    boolean waitsForUs =
        !client.requests.isEmpty() && client.requests.stream().allMatch(HttpServerRequest::isEnded);
    long bytes = client.requests.stream().mapToLong(HttpServerRequest::bytesRead).sum();
    if (waitsForUs || bytes != client.bytes) {
      client.bytes = bytes;
      client.heardNanos = now;
      return false;
    }
    return now - client.heardNanos >= patienceNanos;
  }

  /** How many clients are connected. */
  public int size() {
    return clients.size();
  }
}
