package dev.blip3o.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oException;
import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.OutputException;
import dev.blip3o.training.prompts.PromptsFileException;
import dev.blip3o.training.rewards.Reward;
import dev.blip3o.training.rewards.RewardContractException;
import dev.blip3o.training.rewards.RewardException;
import dev.blip3o.training.rewards.RewardInput;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs that can't go on: one clear error each, and the last good checkpoint is intact. */
class FailedRunTest {
  private static final Reward GOOD = new TokenReward(100);

  @TempDir Path folder;

  /** A reward that is {@link #GOOD} for so many groups, then something else. */
  private record Turning(int good, AtomicInteger asked, Function<Integer, double[]> then)
      implements Reward {
    Turning(int good, Function<Integer, double[]> then) {
      this(good, new AtomicInteger(), then);
    }

    @Override
    public String name() {
      return "turning";
    }

    @Override
    public CompletableFuture<double[]> score(List<RewardInput> batch) {
      return asked.getAndIncrement() < good
          ? GOOD.score(batch)
          : CompletableFuture.completedFuture(then.apply(batch.size()));
    }
  }

  private <E extends Blip3oException> E failure(Class<E> type, Reward reward, String... prompts) {
    TrainingSettings settings = Runs.quick(4).checkpointEvery(1).build();
    Path file = Runs.prompts(folder, prompts);
    GrpoTraining training =
        new GrpoTraining(Runs.tiny(), file, reward, settings, folder.resolve("run"));
    return assertThrows(type, () -> training.run(TrainingListener.NONE, new CancellationToken()));
  }

  private static double[] filled(int size, double value) {
    double[] scores = new double[size];
    Arrays.fill(scores, value);
    return scores;
  }

  static Stream<Arguments> wrongScores() {
    return Stream.of(
        Arguments.of("NaN", (Function<Integer, double[]>) size -> filled(size, Double.NaN)),
        Arguments.of("expected 4, but found 3", (Function<Integer, double[]>) n -> new double[3]),
        Arguments.of("expected 4, but found 5", (Function<Integer, double[]>) n -> new double[5]));
  }

  @ParameterizedTest
  @MethodSource("wrongScores")
  void scoresThatAreNone(String said, Function<Integer, double[]> scores) {
    Turning reward = new Turning(4, scores);
    RewardContractException e =
        failure(RewardContractException.class, reward, "a red circle", "a blue star");
    assertTrue(e.getMessage().contains(said), e.getMessage());
    assertTrue(e.getMessage().contains("'turning'"), e.getMessage());
    assertCheckpoint(2);
    assertFalse(Files.exists(folder.resolve("run/checkpoints/step-000003")));
  }

  private void assertCheckpoint(int step) {
    Path checkpoint = folder.resolve("run/checkpoints/step-00000" + step);
    try (Blip3oModel model = Blip3oModel.open(checkpoint)) {
      assertTrue(model.info().imageTokens() > 0);
    }
  }

  @Test
  void aRewardThatAlwaysFailsEndsTheRun() {
    Reward reward =
        new Turning(
            2,
            size -> {
              throw new RewardException("the scorer has no memory");
            });
    RewardException e = failure(RewardException.class, reward, "a red circle", "a blue star");
    assertEquals(
        "no group of step 2 could be scored, so that the run ends: the scorer has no memory; once"
            + " the reward works, resume from the last checkpoint, or begin again",
        e.getMessage());
    assertCheckpoint(1);
  }

  @Test
  void promptsThatAreNone() {
    PromptsFileException e = failure(PromptsFileException.class, GOOD, "", "# nothing");
    assertTrue(e.getMessage().contains("prompts.txt holds no prompt"), e.getMessage());
    e = failure(PromptsFileException.class, GOOD, "a red circle", "word ".repeat(3000));
    assertTrue(e.getMessage().contains("prompts.txt, line 2: "), e.getMessage());
    assertFalse(Files.exists(folder.resolve("run")), "a run that can't begin left something");
  }

  @Test
  void aFolderThatCantBeMade() throws Exception {
    Files.writeString(folder.resolve("run"), "a file");
    OutputException e = failure(OutputException.class, GOOD, "a red circle");
    assertTrue(e.getMessage().startsWith("can't make the run's folder "), e.getMessage());
  }

  @Test
  void settingsAreChecked() {
    InvalidRequestException e =
        assertThrows(InvalidRequestException.class, () -> Runs.quick(4).warmUp(4).build());
    assertEquals("warmUp must be below steps, 4, but is 4", e.getMessage());
    e = assertThrows(InvalidRequestException.class, () -> Runs.quick(4).groupSize(1).build());
    assertEquals("groupSize must be 2 or more, but is 1", e.getMessage());
    e = assertThrows(InvalidRequestException.class, () -> Runs.quick(4).clip(1).build());
    assertEquals("clip must be above 0 and below 1, but is 1.0", e.getMessage());
  }

  /** The disk is full at the second checkpoint, as a process sees it whose files may not grow. */
  @Test
  void aFullDiskAtACheckpoint() throws Exception {
    Runs.prompts(folder, "a red circle", "a blue star");
    List<String> output = runProgram("1", "unlimited");
    assertEquals(List.of("checkpoint 1"), output);
    byte[] good = weights(1);
    output = runProgram("2", "100");
    assertEquals(1, output.size(), output.toString());
    assertTrue(
        output.get(0).startsWith("can't write the checkpoint ")
            && output.get(0).endsWith("earlier ones are untouched"),
        output.toString());
    assertArrayEquals(good, weights(1));
    try (Stream<Path> files = Files.list(folder.resolve("run/checkpoints"))) {
      assertEquals(List.of("step-000001"), files.map(f -> f.getFileName().toString()).toList());
    }
    assertEquals(List.of("checkpoint 2"), runProgram("2", "unlimited"));
  }

  private byte[] weights(int step) throws Exception {
    return Files.readAllBytes(
        folder.resolve("run/checkpoints/step-00000" + step + "/model.safetensors"));
  }

  private List<String> runProgram(String stop, String limit) throws Exception {
    List<String> command =
        new ArrayList<>(List.of("sh", "-c", "ulimit -f " + limit + "; exec \"$@\"", "sh"));
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx128m",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-Dblip3o.root=" + System.getProperty("blip3o.root"),
            "-cp",
            System.getProperty("java.class.path"),
            StoppingProgram.class.getName(),
            folder.toString(),
            stop));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    return output.lines().toList();
  }
}
