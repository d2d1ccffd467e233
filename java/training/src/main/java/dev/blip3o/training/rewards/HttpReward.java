package dev.blip3o.training.rewards;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A scoring service: each batch is one POST of the question that the package's description shows,
 * as {@code application/json}; status 200 carries the answer.
 *
 * <p>No connection, no answer in time, 408, 425, 429 and 5xx may get better by another try ({@link
 * RewardException}); every other status is a {@link RewardContractException}. Redirects are not
 * followed.
 */
public final class HttpReward implements Reward {
  private static final String NAME = "http";
  private static final Set<Integer> PASSING = Set.of(408, 425, 429);
  private static final int EXCERPT = 200;

  private final URI address;
  private final Duration timeout;
  private final HttpClient client;
  private final AtomicLong lastId = new AtomicLong();

  /**
   * A service.
   *
   * @param address of {@code http} or {@code https}
   * @param timeout how long to connect, and how long an answer may take
   * @throws IllegalArgumentException if the address is of another kind
   */
  public HttpReward(URI address, Duration timeout) {
    this.address = address;
    this.timeout = timeout;
    HttpRequest.newBuilder(address).timeout(timeout);
    this.client = HttpClient.newBuilder().connectTimeout(timeout).build();
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public CompletableFuture<double[]> score(List<RewardInput> batch) {
    long id = lastId.incrementAndGet();
    HttpRequest request =
        HttpRequest.newBuilder(address)
            .timeout(timeout)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(RewardMessages.request(id, batch)))
            .build();
    CompletableFuture<HttpResponse<String>> exchange =
        client.sendAsync(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    CompletableFuture<double[]> scores =
        exchange.handle((response, failure) -> scores(response, failure, id, batch.size()));
    scores.whenComplete(
        (value, failure) -> {
          if (scores.isCancelled()) {
            exchange.cancel(true);
          }
        });
    return scores;
  }

  private double[] scores(HttpResponse<String> response, Throwable failure, long id, int pictures) {
    if (failure != null) {
      Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
      String reason =
          cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
      throw new RewardException("the reward '" + NAME + "' at " + address + ": " + reason, cause);
    }
    int status = response.statusCode();
    if (status == 200) {
      return RewardMessages.scores(NAME, response.body(), id, pictures);
    }
    String body = response.body().strip().replaceAll("\\s+", " ");
    String message =
        String.format(
            "the reward '%s' at %s must answer with status 200, but found %d: %s",
            NAME, address, status, body.substring(0, Math.min(body.length(), EXCERPT)));
    if (status >= 500 || PASSING.contains(status)) {
      throw new RewardException(message);
    }
    throw new RewardContractException(message);
  }
}
