package dev.blip3o.training.rewards;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With a real server on the loopback. */
class HttpRewardTest {
  private static final Duration PATIENT = Duration.ofSeconds(60);

  private final BlockingQueue<String> questions = new LinkedBlockingQueue<>();
  private final CountDownLatch end = new CountDownLatch(1);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private HttpServer server;
  private volatile int status = 200;
  private volatile String answer = "{\"scores\": [0.25, -3]}";

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext(
        "/score",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          questions.add(new String(body, StandardCharsets.UTF_8));
          byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
          if (bytes.length > 0) {
            exchange.getResponseBody().write(bytes);
          }
          exchange.close();
        });
    server.createContext(
        "/hang",
        exchange -> {
          questions.add("hanging");
          try {
            end.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    end.countDown();
    server.stop(0);
    threads.shutdownNow();
  }

  private HttpReward reward(String path, Duration timeout) {
    return new HttpReward(address(path), timeout);
  }

  private URI address(String path) {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
  }

  @Test
  void aServiceScores() throws Exception {
    try (HttpReward reward = reward("/score", PATIENT)) {
      assertArrayEquals(new double[] {0.25, -3}, Inputs.await(reward.score(Inputs.two())));
    }
    JsonNode question = new JsonMapper().readTree(questions.take());
    assertEquals("a blue star", question.at("/pictures/1/prompt").asText());
    assertEquals((byte) 'P', question.at("/pictures/1/png").binaryValue()[1]);
  }

  @ParameterizedTest
  @ValueSource(ints = {408, 429, 500, 503})
  void aStatusThatMayPassIsAFailure(int code) {
    status = code;
    answer = "try\nlater";
    try (HttpReward reward = reward("/score", PATIENT)) {
      RewardException e = Inputs.failure(RewardException.class, reward.score(Inputs.two()));
      assertTrue(e.getMessage().contains("found " + code + ": try later"), e.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {302, 400, 404})
  void anotherStatusEndsTheRun(int code) {
    status = code;
    answer = "";
    try (HttpReward reward = reward("/score", PATIENT)) {
      RewardContractException e =
          Inputs.failure(RewardContractException.class, reward.score(Inputs.two()));
      assertTrue(e.getMessage().contains("'http'"), e.getMessage());
      assertTrue(e.getMessage().contains(Integer.toString(code)), e.getMessage());
    }
  }

  @Test
  void wrongScoresAreNamed() {
    answer = "{\"scores\": [NaN, 1]}";
    try (HttpReward reward = reward("/score", PATIENT)) {
      RewardContractException e =
          Inputs.failure(RewardContractException.class, reward.score(Inputs.two()));
      assertEquals(
          "the reward 'http' must give finite scores, but score 1 of 2 is NaN", e.getMessage());
    }
  }

  @Test
  void aServiceThatHangsIsGivenUp() {
    try (HttpReward reward = reward("/hang", Duration.ofMillis(300))) {
      RewardException e = Inputs.failure(RewardException.class, reward.score(Inputs.two()));
      assertTrue(e.getMessage().contains(address("/hang").toString()), e.getMessage());
    }
  }

  @Test
  void aServiceThatIsNotThereIsAFailure() throws IOException {
    URI address;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      address = URI.create("http://127.0.0.1:" + free.getLocalPort() + "/score");
    }
    try (HttpReward reward = new HttpReward(address, PATIENT)) {
      RewardException e = Inputs.failure(RewardException.class, reward.score(Inputs.two()));
      assertTrue(e.getMessage().contains(address.toString()), e.getMessage());
    }
  }

  @Test
  void aBatchCanBeCancelled() throws Exception {
    try (HttpReward reward = reward("/hang", PATIENT)) {
      CompletableFuture<double[]> scores = reward.score(Inputs.two());
      assertEquals("hanging", questions.take());
      assertTrue(scores.cancel(true));
    }
  }

  @Test
  void otherAddressesAreRefused() {
    URI address = URI.create("ftp://127.0.0.1/score");
    assertThrows(IllegalArgumentException.class, () -> new HttpReward(address, PATIENT).close());
  }
}
