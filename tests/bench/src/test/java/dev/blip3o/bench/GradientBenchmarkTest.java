package dev.blip3o.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class GradientBenchmarkTest {
  private static final String DEMO = System.getProperty("blip3o.root") + "/weights/demo";

  private static String run(String... args) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    GradientBenchmark.run(args, new PrintStream(bytes, true, StandardCharsets.UTF_8));
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void bothWaysAreTimedOnTheSameSequences() {
    String[] words = {
      "--model",
      DEMO,
      "--checkpointing",
      "on,off",
      "--batch",
      "2",
      "--tokens",
      "5",
      "--threads",
      "1",
      "--repeats",
      "2",
      "--warmups",
      "0"
    };
    String json = run(words).lines().reduce((first, last) -> last).orElseThrow();
    assertTrue(json.contains("\"batch\":2"), json);
    for (String way : new String[] {"checkpoints", "whole_graph"}) {
      String medians = "\"" + way + "\":\\{\"load\":([^,]+),.*?\"gradient\":([^,}]+)";
      Matcher found = Pattern.compile(medians).matcher(json);
      assertTrue(found.find(), json);
      assertTrue(Double.parseDouble(found.group(1)) > 0, json);
      assertTrue(Double.parseDouble(found.group(2)) > 0, json);
    }
  }

  @Test
  void positionsAreThoseThatTheModelComputes() {
    // The last token is predicted, and never read: one position for a single token is the prompt's.
    int one = positions("--batch", "1", "--tokens", "1");
    assertEquals(one + 4, positions("--batch", "1", "--tokens", "5"));
    assertEquals(3 * (one + 4), positions("--batch", "3", "--tokens", "5"));
    assertEquals(one + 63, positions()); // A picture of the demo has 64 tokens.
  }

  private static int positions(String... words) {
    String[] all = new String[words.length + 6];
    System.arraycopy(words, 0, all, 0, words.length);
    String[] rest = {"--model", DEMO, "--repeats", "1", "--warmups", "0"};
    System.arraycopy(rest, 0, all, words.length, rest.length);
    Matcher positions = Pattern.compile("\"positions\":(\\d+)").matcher(run(all));
    assertTrue(positions.find());
    return Integer.parseInt(positions.group(1));
  }

  @Test
  void wrongUsageIsNamed() {
    assertUsage("--model DIRECTORY is needed");
    assertUsage("--batch must be at least 1", "--model", DEMO, "--batch", "0");
    assertUsage("takes on, off or on,off, not 'yes'", "--model", DEMO, "--checkpointing", "yes");
    assertUsage("unknown option --layers", "--layers", "2");
    assertUsage("unknown argument more", "--model", DEMO, "more");
  }

  private static void assertUsage(String message, String... words) {
    String found = assertThrows(Options.UsageException.class, () -> run(words)).getMessage();
    assertTrue(found.contains(message), found);
  }
}
