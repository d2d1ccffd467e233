package dev.blip3o.service;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Many clients at once, of whom some hang up and some send nonsense: every good answer has the
 * bytes that its request gets alone, and when all is over the server holds what it held before.
 */
@Timeout(600)
class LoadTest {
  private static final int REQUESTS = 200;
  private static final int CLIENTS = 16;
  private static final int HANG_UPS = REQUESTS * 20 / 100;
  private static final int INVALID = REQUESTS * 10 / 100;
  private static final long SEED = 20251015;
  private static final Duration PATIENCE = Duration.ofMinutes(4);

  /** What threads and descriptors may differ by: pools and connections about to end. */
  private static final int SLACK = 8;

  private static final List<Recipe> RECIPES = Recipe.all();
  private static final List<BadBodies.Bad> BAD = BadBodies.all();

  @TempDir Path folder;

  /** Where a client hangs up. */
  private enum HangUp {
    IN_THE_HEAD,
    IN_THE_BODY,
    BEFORE_THE_ANSWER,
    IN_THE_ANSWER
  }

  @Test
  void servesAllAndKeepsNothing() throws Exception {
    try (ServeProcess server = ServeProcess.start(folder, "--url-ttl", "15s")) {
      List<byte[]> alone = alone(server.port());
      run(warmUp(server.port(), alone));
      Scrape before = quiet(server, Scrape::idle);
      List<Path> files = server.files();
      int descriptors = server.descriptors().size();

      long start = System.nanoTime();
      List<Long> times = run(mix(server.port(), alone));
      report(times, Duration.ofNanos(System.nanoTime() - start));

      Scrape after = quiet(server, scrape -> scrape.idle() && scrape.value("blip3o_urls") == 0);
      assertHoldsNoMore(before, after);
      assertEquals(files, server.files());
      int left = server.descriptors().size();
      assertTrue(left <= descriptors + SLACK, left + " descriptors, " + descriptors + " before");
      assertEquals(alone.size(), alone(server.port()).size(), "it serves on");
      server.stop();
    }
  }

  /** One request after the other; what is compared with. */
  private static List<byte[]> alone(int port) throws Exception {
    List<byte[]> pictures = new ArrayList<>();
    for (Recipe recipe : RECIPES) {
      pictures.add(picture(port, recipe));
    }
    return pictures;
  }

  private static byte[] picture(int port, Recipe recipe) {
    Answer answer = Wire.ask(port, recipe.request());
    assertEquals(200, answer.status(), () -> recipe.name() + ": " + answer.text());
    byte[] picture = recipe.picture().apply(port, answer);
    assertEquals(Drawings.SIDE, Drawings.read(picture).getWidth(), recipe.name());
    return picture;
  }

  /** As many at once as later, so that pools and workspaces have their sizes. */
  private static List<Callable<Long>> warmUp(int port, List<byte[]> alone) {
    List<Callable<Long>> work = new ArrayList<>();
    for (int i = 0; i < 2 * CLIENTS; i++) {
      work.add(good(port, i % RECIPES.size(), alone));
    }
    return work;
  }

  private static List<Callable<Long>> mix(int port, List<byte[]> alone) {
    List<Callable<Long>> work = new ArrayList<>();
    for (int i = 0; i < HANG_UPS; i++) {
      work.add(hangUp(port, RECIPES.get(i % RECIPES.size()), HangUp.values()[i % 4]));
    }
    for (int i = 0; i < INVALID; i++) {
      work.add(invalid(port, BAD.get(i % BAD.size())));
    }
    for (int i = 0; work.size() < REQUESTS; i++) {
      work.add(good(port, i % RECIPES.size(), alone));
    }
    Collections.shuffle(work, new Random(SEED));
    return work;
  }

  private static Callable<Long> good(int port, int recipe, List<byte[]> alone) {
    return () -> {
      long start = System.nanoTime();
      byte[] picture = picture(port, RECIPES.get(recipe));
      assertArrayEquals(alone.get(recipe), picture, RECIPES.get(recipe).name());
      return System.nanoTime() - start;
    };
  }

  private static Callable<Long> invalid(int port, BadBodies.Bad bad) {
    return () -> {
      Answer answer = Wire.ask(port, bad.request());
      assertEquals(bad.status(), answer.status(), answer::text);
      assertTrue(answer.isError(), answer::text);
      return null;
    };
  }

  private static Callable<Long> hangUp(int port, Recipe recipe, HangUp where) {
    return () -> {
      byte[] request =
          where == HangUp.IN_THE_ANSWER ? Recipe.streamed(5).request() : recipe.request();
      int sent =
          switch (where) {
            case IN_THE_HEAD -> 20;
            case IN_THE_BODY -> request.length - 10;
            case BEFORE_THE_ANSWER, IN_THE_ANSWER -> request.length;
          };
      try (Socket socket = Wire.connect(port)) {
        socket.getOutputStream().write(request, 0, sent);
        socket.getOutputStream().flush();
        if (where == HangUp.IN_THE_ANSWER) {
          firstEvent(new BufferedInputStream(socket.getInputStream()));
        }
      }
      return null;
    };
  }

  private static void firstEvent(InputStream in) throws IOException {
    String line = Wire.line(in);
    assertTrue(line.contains(" 200 "), line);
    while (!line.startsWith("event:")) {
      line = Wire.line(in);
    }
  }

  /** Runs all on the clients' threads; the times of those that have one, in nanoseconds. */
  private static List<Long> run(List<Callable<Long>> work) throws Exception {
    ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
    try {
      List<Long> times = new ArrayList<>();
      for (Future<Long> done : clients.invokeAll(work)) {
        Long time = done.get();
        if (time != null) {
          times.add(time);
        }
      }
      return times;
    } finally {
      clients.shutdown();
    }
  }

  /** Asks until the server is so. */
  private static Scrape quiet(ServeProcess server, Predicate<Scrape> wanted) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    Scrape scrape = server.scrape();
    while (!wanted.test(scrape)) {
      assertTrue(System.nanoTime() < end, "it still holds something: " + scrape);
      scrape = server.scrape();
    }
    return scrape;
  }

  private static void assertHoldsNoMore(Scrape before, Scrape after) {
    double memory = after.value("blip3o_memory_used_bytes");
    assertEquals(before.value("blip3o_memory_used_bytes"), memory, "bytes of the engine");
    assertEquals(0, after.value("blip3o_urls_bytes"), "bytes of pictures with addresses");
    double threads = after.value("jvm_threads_live_threads");
    double threadsBefore = before.value("jvm_threads_live_threads");
    assertTrue(
        threads <= threadsBefore + SLACK, threads + " threads, " + threadsBefore + " before");
    assertTrue(
        after.value("blip3o_requests_total{outcome=\"cancelled\"}") > 0,
        "hanging up cancels the work");
    assertEquals(0, after.value("blip3o_requests_total{outcome=\"failed\"}"));
    assertEquals(1, after.value("blip3o_healthy"));
  }

  private static void report(List<Long> times, Duration all) {
    assertEquals(REQUESTS - HANG_UPS - INVALID, times.size());
    long[] sorted = times.stream().mapToLong(Long::longValue).sorted().toArray();
    System.out.printf(
        Locale.ROOT,
        "load: %d requests of %d clients in %.1f s: %.1f good answers a second; p50 %.2f s, p99"
            + " %.2f s%n",
        REQUESTS,
        CLIENTS,
        seconds(all.toNanos()),
        times.size() / seconds(all.toNanos()),
        seconds(quantile(sorted, 0.50)),
        seconds(quantile(sorted, 0.99)));
  }

  private static long quantile(long[] sorted, double share) {
    return sorted[(int) Math.ceil(share * sorted.length) - 1];
  }

  private static double seconds(long nanos) {
    return nanos / 1e9;
  }
}
