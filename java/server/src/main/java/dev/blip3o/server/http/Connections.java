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
 * Ends connections whose clients do nothing when it is their turn: to send a request's head, to
 * send its body, to read the answer, to come with another request. With a body or an answer doing
 * something means {@value #LEAST_RATE} bytes a second on average: a byte a minute is nothing. A
 * client that waits for its answer, or for more of it, may be silent for as long as it likes. A
 * client that goes on to send what was refused has the same time to read why.
 *
 * <p>Threads: for the event loop alone.
 */
public final class Connections {
  /** What clients have to send or read, in bytes a second. */
  static final long LEAST_RATE = 1024;

  /** So often within its patience it looks: an answer that has just begun is not a late one. */
  private static final int SWEEPS = 4;

  private static final double NANOS_PER_SECOND = 1e9;

  private final long patienceNanos;
  private final LongSupplier nanoTime;
  private final Map<HttpConnection, Client> clients = new HashMap<>();

  private static final class Client {
    private final Outbox outbox;
    private final Set<HttpServerRequest> requests = new HashSet<>();
    private long received;
    private long moved;
    private long movedNanos;

    /** Those whose bodies still come and nobody reads: they were answered before. */
    private final Set<HttpServerRequest> refused = new HashSet<>();

    Client(Outbox outbox) {
      this.outbox = outbox;
    }

    boolean sendsWhatWasRefused() {
      refused.removeIf(HttpServerRequest::isEnded);
      return !refused.isEmpty();
    }

    boolean waitsForUs() {
      return !outbox.pending()
          && !requests.isEmpty()
          && requests.stream().allMatch(HttpServerRequest::isEnded);
    }

    /** Bytes of all bodies and answers so far. */
    long bytes() {
      return received
          + requests.stream().mapToLong(HttpServerRequest::bytesRead).sum()
          + outbox.sent();
    }
  }

  /** Ends connections after {@code patience}, or a quarter more: see {@link #sweep}. */
  public Connections(Duration patience) {
    this(patience, System::nanoTime);
  }

  Connections(Duration patience, LongSupplier nanoTime) {
    this.patienceNanos = patience.toNanos();
    this.nanoTime = nanoTime;
  }

  /** How often {@link #sweep} is to be called. */
  public Duration interval() {
    return Duration.ofNanos(patienceNanos / SWEEPS);
  }

  /** A client has come. */
  public void opened(HttpConnection connection) {
    Client client = new Client(Outbox.of(connection));
    client.movedNanos = nanoTime.getAsLong();
    clients.put(connection, client);
    connection.closeHandler(end -> clients.remove(connection));
  }

  /** The handler that learns of requests; it stands before all that waits. */
  public Handler<RoutingContext> requests() {
    return context -> {
      Client client = clients.get(context.request().connection());
      if (client != null) {
        client.requests.add(context.request());
        client.movedNanos = nanoTime.getAsLong();
        context.addEndHandler(end -> answered(client, context.request()));
      }
      context.next();
    };
  }

  private void answered(Client client, HttpServerRequest request) {
    client.requests.remove(request);
    client.received += request.bytesRead();
    client.movedNanos = nanoTime.getAsLong();
    if (!request.isEnded()) {
      client.refused.add(request);
    }
  }

  /** Ends the connections whose time is over; to be called once an {@link #interval}. */
  public void sweep() {
    long now = nanoTime.getAsLong();
    for (Client client : new ArrayList<>(clients.values())) {
      if (late(client, now)) {
        client.outbox.close();
      }
    }
  }

  private boolean late(Client client, long now) {
    double least = LEAST_RATE * (patienceNanos / NANOS_PER_SECOND);
    long bytes = client.bytes();
    if (!client.sendsWhatWasRefused() && (client.waitsForUs() || bytes - client.moved >= least)) {
      client.moved = bytes;
      client.movedNanos = now;
      return false;
    }
    return now - client.movedNanos >= patienceNanos;
  }

  /** Whether a client has yet to read of an answer what the system could not take. */
  public boolean sending() {
    return clients.values().stream().anyMatch(client -> client.outbox.pending());
  }

  /** How many clients are connected. */
  public int size() {
    return clients.size();
  }
}
