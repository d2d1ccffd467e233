package dev.blip3o.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Requests for pictures that chance has damaged: whatever comes, the answer is a picture or an
 * error of the client's, the error says nothing of the inside, and the server goes on.
 *
 * <p>The property {@code blip3o.fuzz.seconds} says how long each path is tried; every request
 * follows from {@link #SEED} and its number, which a failure names.
 */
class FuzzTest {
  private static final long SEED = 42;
  private static final Duration TIME = Duration.ofSeconds(Long.getLong("blip3o.fuzz.seconds", 5));

  /** Also on a machine that does little in that time. */
  private static final int FEWEST = 30;

  private static DemoServer server;

  @BeforeAll
  static void start() {
    // A damaged count or number of steps must not become an hour of work.
    server = DemoServer.start(options -> options.maxRequestBytes(1 << 20).queueLimit(4));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @AfterEach
  void theServerIsWell() {
    assertEquals(200, Wire.ask(server.port(), Wire.get("/healthz")).status());
    assertEquals(1, server.scrape().value("blip3o_healthy"));
    assertEquals(0, server.scrape().value("blip3o_requests_total{outcome=\"failed\"}"));
    Answer answer = Wire.ask(server.port(), Recipe.plain(1).request());
    assertEquals(200, answer.status(), answer.text());
  }

  @Test
  void jsonBodies() {
    fuzz(random -> FuzzedJson.request(random));
  }

  @Test
  void multipartBodies() {
    fuzz(random -> FuzzedMultipart.request(random));
  }

  private static void fuzz(Function<Random, byte[]> requests) {
    TreeMap<Integer, Integer> statuses = new TreeMap<>();
    long end = System.nanoTime() + TIME.toNanos();
    int number = 0;
    do {
      byte[] request = requests.apply(new Random(SEED + number));
      Answer answer = Wire.ask(server.port(), request);
      check(number, answer);
      statuses.merge(answer.status(), 1, Integer::sum);
      number++;
    } while (number < FEWEST || System.nanoTime() < end);
    System.out.println("fuzz: " + number + " requests, by status: " + statuses);
    assertTrue(statuses.getOrDefault(400, 0) > 0, statuses.toString());
  }

  private static void check(int number, Answer answer) {
    String which = "request " + number + " of seed " + SEED + ": ";
    if (answer.status() == 200) {
      return;
    }
    assertTrue(answer.status() > 0, which + "the connection ended without an answer");
    String text = answer.text();
    assertTrue(answer.status() >= 400 && answer.status() < 500, which + answer.status() + text);
    assertTrue(answer.isError(), which + text);
    assertFalse(Leaks.any(text), which + text);
  }
}
