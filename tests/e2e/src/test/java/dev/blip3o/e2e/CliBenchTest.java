package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blip3o.CancellationToken;
import dev.blip3o.support.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code bench serve} with the demo checkpoint: what it says, not how fast that was. */
class CliBenchTest {
  private static final int TOKENS = 64;

  @TempDir Path folder;

  private Path json() {
    return folder.resolve("result.json");
  }

  private JsonNode result() throws IOException {
    return new JsonMapper().readTree(json().toFile());
  }

  private Command serve(String... options) {
    String[] words = new String[options.length + 4];
    System.arraycopy(options, 0, words, 4, options.length);
    System.arraycopy(
        new String[] {"bench", "serve", "--steps=2", "--json=" + json()}, 0, words, 0, 4);
    return Command.run(words);
  }

  @Test
  void allPartsAreRunAndTold() throws IOException {
    Command command = serve("--concurrency=3", "--rounds=2", "--requests=6", "--rate=200");
    assertEquals(0, command.code(), command.err());
    assertEquals(
        List.of(
            "loading " + Repository.demo(),
            "warm-up 3/3",
            "part 1, one after the other, round 1/2 3/3",
            "part 2, all at once, round 1/2 3/3",
            "part 2, all at once, round 2/2 3/3",
            "part 1, one after the other, round 2/2 3/3",
            "part 3, as they come 6/6"),
        command.err().lines().map(line -> line.replaceAll(", \\d+\\.\\d+ s$", "")).toList());
    String number = "[\\d,]+\\.?\\d*";
    for (String row :
        List.of(
            "3 requests, 2 rounds in turns, medians",
            "  time  +N s  +N s",
            "  pictures/s  +N  +N",
            "  tokens a batch  +1.00  +N",
            "All at once is N times as fast; same pictures\\.",
            "6 requests as they come, 200\\.00 a second on average",
            "  ended  +6 done, 0 refused, 0 expired, 0 failed",
            "  throughput  +N pictures/s",
            "  latency  +p50 N s, p95 N s, p99 N s",
            "  queue time  +mean N s, p95 N s",
            "  first token  +mean N s, p95 N s",
            "  batch occupancy  +N tokens a batch",
            "  work  +N tokens/s, N steps/s",
            "  peak memory  +N \\w+ of requests and caches, N \\w+ of the whole process")) {
      String pattern = row.replace("N", number);
      assertTrue(
          command.out().lines().anyMatch(line -> line.matches(pattern)),
          row + " is not in\n" + command.out());
    }
  }

  @Test
  void theCountsAddUp() throws IOException {
    Command command = serve("--concurrency=3", "--rounds=2", "--requests=5", "-q", "--seed=9");
    assertEquals(0, command.code(), command.err());
    assertEquals("", command.err());
    JsonNode result = result();
    for (String way : List.of("one_after_the_other", "all_at_once")) {
      JsonNode part = result.get("closed").get(way);
      assertEquals(2, part.get("seconds").size());
      assertWork(part, 6);
      double seconds =
          (part.get("seconds").get(0).asDouble() + part.get("seconds").get(1).asDouble()) / 2;
      assertEquals(seconds, part.get("median_seconds").asDouble(), 1e-6);
      assertEquals(3 / seconds, part.get("pictures_per_second").asDouble(), 1e-2);
    }
    JsonNode alone = result.at("/closed/one_after_the_other");
    assertEquals(6 * TOKENS, alone.get("token_batches").asInt(), "one a pass");
    assertEquals(
        alone.get("median_seconds").asDouble()
            / result.at("/closed/all_at_once/median_seconds").asDouble(),
        result.at("/closed/speedup").asDouble(),
        1e-6);

    JsonNode open = result.get("open");
    assertEquals(5, open.get("done").asInt());
    assertWork(open, 5);
    assertEquals(
        0.8 * result.at("/closed/all_at_once/pictures_per_second").asDouble(),
        open.get("rate").asDouble(),
        1e-6);
    JsonNode latency = open.get("latency_seconds");
    double last = 0;
    for (String name : List.of("p50", "p95", "p99", "max")) {
      assertTrue(latency.get(name).asDouble() >= last, latency.toString());
      last = latency.get(name).asDouble();
    }
    assertTrue(last > 0 && last <= open.get("seconds").asDouble(), open.toString());
    for (String name : List.of("latency_seconds", "queue_seconds", "first_token_seconds")) {
      assertEquals(5, open.get(name).get("count").asInt(), name);
    }
    assertTrue(
        open.at("/queue_seconds/mean").asDouble()
            <= open.at("/first_token_seconds/mean").asDouble(),
        open.toString());
    JsonNode memory = result.get("memory");
    assertTrue(memory.get("peak_bytes").asLong() > 0);
    assertTrue(memory.get("peak_bytes").asLong() < memory.get("process_peak_bytes").asLong());
    assertEquals("9", result.at("/requests/seed").asText());
  }

  private static void assertWork(JsonNode part, int pictures) {
    assertEquals(pictures, part.get("pictures").asInt());
    assertEquals(pictures * TOKENS, part.get("tokens").asInt());
    assertEquals(pictures * 2, part.get("steps").asInt());
    assertEquals(
        pictures, part.get("prompts_computed").asInt() + part.get("prompts_reused").asInt());
    double occupancy = part.get("tokens").asDouble() / part.get("token_batches").asDouble();
    assertEquals(occupancy, part.get("token_batch_occupancy").asDouble(), 1e-9);
  }

  /** Far more than the queue holds, at once, and most of what it holds comes too late. */
  @Test
  void requestsThatAreRefusedOrLateAreCounted() throws IOException {
    Command command =
        serve(
            "--concurrency=1",
            "--rounds=1",
            "--requests=600",
            "--rate=1000000",
            "--deadline=0.05",
            "-q");
    assertEquals(0, command.code(), command.err());
    JsonNode open = result().get("open");
    int done = open.get("done").asInt();
    int refused = open.get("refused").asInt();
    int expired = open.get("expired").asInt();
    assertEquals(600, done + refused + expired, open.toString());
    assertTrue(refused + expired > 0, open.toString());
    assertEquals(done, open.at("/latency_seconds/count").asInt());
    assertEquals(0.05, open.get("deadline_seconds").asDouble());
    String row = String.format("%d done, %d refused, %d expired, 0 failed", done, refused, expired);
    assertTrue(command.out().contains(row), command.out());
  }

  /** In the first two parts, and in the third, whose first request is a minute away. */
  @ParameterizedTest
  @Timeout(60)
  @ValueSource(strings = {"loading", "warm-up", "part 1", "part 2"})
  void cancellingLeavesNothing(String moment) {
    CancellationToken cancellation = new CancellationToken();
    Command command =
        Command.run(
            cancellation,
            line -> {
              if (line.startsWith(moment)) {
                cancellation.cancel();
              }
            },
            "bench",
            "serve",
            "--steps=1",
            "--concurrency=2",
            "--rounds=1",
            "--rate=0.01",
            "--json=" + json());
    assertEquals(130, command.code(), command.err());
    assertTrue(command.err().endsWith("blip3o: cancelled" + System.lineSeparator()));
    assertEquals("", command.out());
    assertFalse(Files.exists(json()));
  }

  @Test
  void tooLittleMemoryIsSaid() {
    Command command = serve("--memory=100K", "-q");
    assertEquals(1, command.code());
    assertTrue(command.err().contains("memory"), command.err());
    assertFalse(Files.exists(json()));
  }
}
