package dev.blip3o.cli.training;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is wrong is said in one line before any checkpoint is opened. */
class TrainUsageTest {
  @TempDir Path folder;

  private static void assertRefused(int code, String part, List<String> words) {
    Run run = Run.of(words.toArray(String[]::new));
    assertAll(
        () -> assertEquals(code, run.code(), run.err()),
        () -> assertEquals("", run.out()),
        () -> assertEquals(1, run.err().lines().count(), run.err()),
        () -> assertTrue(run.err().startsWith("blip3o: "), run.err()),
        () -> assertTrue(run.err().contains(part), run.err()));
  }

  /** A right use, and {@code more}. */
  private List<String> grpo(String... more) throws IOException {
    Path prompts = Files.writeString(folder.resolve("prompts.txt"), "a red circle\n");
    return words(prompts, more);
  }

  private List<String> words(Path prompts, String... more) {
    List<String> words =
        new ArrayList<>(
            List.of("train", "grpo", "--prompts=" + prompts, "--reward=scenes", "--steps=10"));
    words.addAll(List.of("-o", folder.resolve("run").toString()));
    words.addAll(List.of(more));
    return words;
  }

  @Test
  void aCommandIsNeeded() {
    assertRefused(2, "a command is missing: grpo or evaluate", List.of("train"));
    assertRefused(2, "'grop'", List.of("train", "grop"));
  }

  @Test
  void whatHasNoDefaultIsNeeded() {
    for (String option :
        List.of("--prompts=FILE", "--reward=REWARD", "--steps=N", "--output=DIR")) {
      assertRefused(2, option, List.of("train", "grpo"));
    }
    assertRefused(2, "--prompts=FILE", List.of("train", "evaluate"));
  }

  @ParameterizedTest
  @CsvSource({
    "--batch, 0, --batch must be 1 or more",
    "--group, 1, --group must be 2 or more",
    "--group, 16384, --batch times --group must be at most",
    "--iterations, 0, --iterations must be 1 or more",
    "--learning-rate, 0, --learning-rate must be above 0",
    "--learning-rate, fast, '''fast'' is not a number'",
    "--warm-up, 10, '--warm-up must be below steps, 10'",
    "--gradient-limit, -1, --gradient-limit must be above 0",
    "--clip, 1, --clip must be above 0 and below 1",
    "--kl-weight, -1, --kl-weight must be 0 or more",
    "--loss, ppo, '''ppo'' is none of grpo'",
    "--picture-steps, 0, --picture-steps must be between 1",
    "--guidance, 0.5, --guidance must be between 1",
    "--seed, -1, '''-1'' is no seed'",
    "--checkpoint-every, 0, --checkpoint-every must be 1 or more",
    "--sequences, 0, --sequences must be 1 or more",
    "--threads, -1, --threads must be between 0",
    "--reward-timeout, 0, --reward-timeout must be above 0",
    "--reward-timeout, 6m, '--reward-timeout must be above 0 and at most 5m, but is 360000ms'",
    "--reward, beauty, '''beauty'' is no reward: expected scenes'",
    "--reward, heavy*scenes, no reward"
  })
  void valuesOutOfRangeNameTheOption(String option, String value, String part) throws IOException {
    assertRefused(2, part, grpo(option, value));
    assertFalse(Files.exists(folder.resolve("run")));
  }

  @Test
  void stepsAreAtLeastOne() throws IOException {
    List<String> words = grpo();
    words.replaceAll(word -> word.equals("--steps=10") ? "--steps=0" : word);
    assertRefused(2, "--steps must be 1 or more, but is 0", words);
  }

  @Test
  void promptsAreReadFirst() throws IOException {
    Path none = folder.resolve("none.txt");
    assertRefused(2, "--prompts: there is no prompts file " + none, words(none));
    Path empty = Files.writeString(folder.resolve("empty.txt"), "\n# nothing\n");
    assertRefused(2, "holds no prompt", words(empty));
    assertRefused(
        2,
        "holds no prompt",
        List.of("train", "evaluate", "--reward=scenes", "--prompts=" + empty));
  }

  @Test
  void aRunThatIsNotThereIsNotResumed() throws IOException {
    assertRefused(1, "there is nothing to resume in " + folder.resolve("run"), grpo("--resume"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"train", "train grpo", "train evaluate"})
  void helpTellsAll(String command) {
    Run run = Run.of((command + " --help").split(" "));
    assertEquals(0, run.code());
    assertEquals("", run.err());
    assertTrue(run.out().contains("Example"), run.out());
    assertFalse(run.out().contains("${"), run.out());
    run.out().lines().forEach(line -> assertTrue(line.length() <= 80, line));
  }

  @Test
  void theCommandIsThereOnce() {
    Run run = Run.of("--help");
    long lines = run.out().lines().filter(line -> line.startsWith("  train ")).count();
    assertEquals(1, lines, run.out());
    assertTrue(Run.of("help", "train").out().contains("evaluate"));
  }
}
