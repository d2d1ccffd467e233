package dev.blip3o.training.rewards;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.training.prompts.TrainingPrompt;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** With real programs. */
class ProcessRewardTest {
  private static final Duration PATIENT = Duration.ofSeconds(60);

  @TempDir Path folder;

  private static ProcessReward shell(String script, Duration timeout, String... arguments) {
    List<String> command = new ArrayList<>(List.of("sh", "-c", script, "scorer"));
    command.addAll(List.of(arguments));
    return new ProcessReward(command, timeout);
  }

  @Test
  void aProgramIsStartedOnceAndSeesPicturesAndFields() throws Exception {
    try (ProcessReward reward = new ProcessReward(ScoringProgram.command(), PATIENT)) {
      RewardInput withText =
          new RewardInput(
              new TrainingPrompt("a shop", Map.of("text", "OPEN")),
              Inputs.plain("", 0x400000).picture());
      CompletableFuture<double[]> first =
          reward.score(List.of(Inputs.plain("a red circle", 0xFF0000), withText));
      CompletableFuture<double[]> second = reward.score(Inputs.two());
      assertArrayEquals(new double[] {255, 68}, Inputs.await(first));
      assertArrayEquals(new double[] {1255, 1000}, Inputs.await(second));
    }
  }

  @Test
  void aProgramThatDiesIsStartedAnew() throws Exception {
    String script =
        "read -r line; if [ -e \"$1\" ]; then echo '{\"scores\": [1, 2]}'; else touch \"$1\";"
            + " echo out of memory >&2; exit 3; fi";
    String marker = folder.resolve("died").toString();
    try (ProcessReward reward = shell(script, PATIENT, marker)) {
      RewardException e = Inputs.failure(RewardException.class, reward.score(Inputs.two()));
      assertTrue(e.getMessage().contains("'process'"), e.getMessage());
      assertTrue(e.getMessage().contains("exit code 3"), e.getMessage());
      assertTrue(e.getMessage().contains("out of memory"), e.getMessage());
      assertArrayEquals(new double[] {1, 2}, Inputs.await(reward.score(Inputs.two())));
    }
  }

  @Test
  void aProgramThatHangsIsEnded() {
    try (ProcessReward reward = shell("read -r line; tail -f /dev/null", Duration.ofMillis(300))) {
      RewardException e = Inputs.failure(RewardException.class, reward.score(Inputs.two()));
      assertTrue(e.getMessage().contains("has not answered within 300 ms"), e.getMessage());
    }
  }

  @Test
  void aCancelledBatchLetsTheNextOneIn() throws Exception {
    String script =
        "read -r line; if [ -e \"$1\" ]; then echo '{\"scores\": [1, 2]}'; else touch \"$1\";"
            + " tail -f /dev/null; fi";
    Path marker = folder.resolve("asked");
    try (ProcessReward reward = shell(script, PATIENT, marker.toString())) {
      CompletableFuture<double[]> hanging = reward.score(Inputs.two());
      while (!Files.exists(marker)) {
        Thread.onSpinWait();
      }
      hanging.cancel(true);
      assertArrayEquals(new double[] {1, 2}, Inputs.await(reward.score(Inputs.two())));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"scores\": [0.5]}|expected 2, but found 1",
        "{\"scores\": [0.5, 1, 2]}|expected 2, but found 3",
        "{\"scores\": [0.5, NaN]}|score 2 of 2 is NaN",
        "{\"scores\": [Infinity, 1]}|score 1 of 2 is Infinity",
        "{\"scores\": [0.5, \"1\"]}|found: {\"scores\": [0.5, \"1\"]}",
        "{\"points\": [0.5, 1]}|must answer with a JSON object",
        "loading the model|found: loading the model",
        "{\"id\": 7, \"scores\": [0.5, 1]}|id of the question, 1, but found 7"
      })
  void anAnswerThatIsNoneIsNamed(String answer, String expected) {
    try (ProcessReward reward =
        shell("read -r line; printf '%s\\n' \"$1\"; cat >/dev/null", PATIENT, answer)) {
      RewardContractException e =
          Inputs.failure(RewardContractException.class, reward.score(Inputs.two()));
      assertTrue(e.getMessage().contains("the reward 'process'"), e.getMessage());
      assertTrue(e.getMessage().contains(expected), e.getMessage());
    }
  }

  @Test
  void anErrorThatTheProgramTellsMayPass() {
    try (ProcessReward reward =
        shell("read -r line; echo '{\"error\": \"no GPU free\"}'; cat >/dev/null", PATIENT)) {
      RewardException e = Inputs.failure(RewardException.class, reward.score(Inputs.two()));
      assertTrue(e.getMessage().contains("no GPU free"), e.getMessage());
    }
  }

  @Test
  void aProgramThatIsNotThereIsRefusedAtOnce() {
    List<String> command = List.of(folder.resolve("no-such-program").toString());
    RewardContractException e =
        assertThrows(
            RewardContractException.class, () -> new ProcessReward(command, PATIENT).close());
    assertTrue(e.getMessage().contains("no-such-program"), e.getMessage());
  }

  @Test
  void closingFailsWhatIsUnderWayAndWhatComesLater() {
    ProcessReward reward = shell("tail -f /dev/null", PATIENT);
    CompletableFuture<double[]> hanging = reward.score(Inputs.two());
    reward.close();
    reward.close();
    Inputs.failure(RewardException.class, hanging);
    Inputs.failure(RewardException.class, reward.score(Inputs.two()));
  }
}
