package dev.blip3o.server.limits;

import dev.blip3o.server.limits.LimitExceededException.Reason;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;

/**
 * What each client may have under way and may send. A client is the name of a key, or an address.
 *
 * <p>Of a client that has nothing under way and sent nothing for a minute nothing is kept.
 *
 * <p>Threads: safe for use by any thread.
 */
public final class ClientLimits {
  /** Nobody knows when a client's own requests end: this only keeps it from asking in a loop. */
  private static final Duration OWN_REQUESTS = Duration.ofSeconds(1);

  private static final int SMALLEST_SWEEP = 1024;

  private final int concurrency;
  private final int perMinute;
  private final LongSupplier nanoTime;
  private final Map<String, Client> clients = new HashMap<>();
  private int sweepAt = SMALLEST_SWEEP;

  private static final class Client {
    private final TokenBucket bucket;
    private int running;

    Client(TokenBucket bucket) {
      this.bucket = bucket;
    }
  }

  /**
   * Limits of every client.
   *
   * @param concurrency requests under way at once; 0: any number
   * @param perMinute requests a minute on average, and at most at once; 0: any number
   */
  public ClientLimits(int concurrency, int perMinute) {
    this(concurrency, perMinute, System::nanoTime);
  }

  ClientLimits(int concurrency, int perMinute, LongSupplier nanoTime) {
    this.concurrency = concurrency;
    this.perMinute = perMinute;
    this.nanoTime = nanoTime;
  }

  /**
   * Lets a request in.
   *
   * @return to be closed when the request has ended, however it ends
   * @throws LimitExceededException if the client has to wait
   */
  public synchronized Permit enter(String client) {
    Objects.requireNonNull(client, "client");
    long now = nanoTime.getAsLong();
    sweepWhenLarge(now);
    Client state =
        clients.computeIfAbsent(
            client, name -> new Client(perMinute == 0 ? null : new TokenBucket(perMinute, now)));
    if (concurrency > 0 && state.running >= concurrency) {
      throw tooManyAtOnce();
    }
    if (state.bucket != null && !state.bucket.take(now)) {
      throw tooOften(state.bucket.untilNext(now));
    }
    state.running++;
    return new Permit(() -> leave(client));
  }

  private synchronized void leave(String client) {
    Client state = clients.get(client);
    state.running--;
    if (idle(state, nanoTime.getAsLong())) {
      clients.remove(client);
    }
  }

  /** Each sweep leaves room for as many newcomers as stayed, so that entering stays cheap. */
  private void sweepWhenLarge(long now) {
    if (clients.size() >= sweepAt) {
      clients.values().removeIf(state -> idle(state, now));
      sweepAt = Math.max(SMALLEST_SWEEP, 2 * clients.size());
    }
  }

  private static boolean idle(Client state, long now) {
    return state.running == 0 && (state.bucket == null || state.bucket.full(now));
  }

  /** Of how many clients something is kept. */
  synchronized int size() {
    return clients.size();
  }

  private LimitExceededException tooManyAtOnce() {
    String message =
        String.format(
            Locale.ROOT,
            "This client has %d requests under way, as many as it may have at once. Wait until one"
                + " of them has ended.",
            concurrency);
    return new LimitExceededException(Reason.CONCURRENCY, message, OWN_REQUESTS);
  }

  private LimitExceededException tooOften(Duration wait) {
    String message =
        String.format(
            Locale.ROOT,
            "This client may send %d requests a minute. Try again in %s s.",
            perMinute,
            RetryAfter.header(wait));
    return new LimitExceededException(Reason.RATE, message, wait);
  }
}
