package dev.blip3o.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.CancellationToken;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.OutputException;
import dev.blip3o.training.report.MetricsFile;
import dev.blip3o.training.report.StepMetrics;
import dev.blip3o.training.resume.ResumeException;
import dev.blip3o.training.rewards.Reward;
import dev.blip3o.training.run.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that was interrupted and resumed is the one that wasn't, to the bit. */
class ResumedRunTest {
  private static final Reward REWARD = new TokenReward(100);
  private static final int STEPS = 5;

  @TempDir Path folder;

  private TrainingSettings.Builder settings() {
    return Runs.quick(STEPS).warmUp(1).iterations(2).checkpointEvery(3);
  }

  private GrpoTraining training(TrainingSettings settings, Path run) {
    Path prompts = Runs.prompts(folder, "a red circle", "two blue stars", "a green cross");
    return new GrpoTraining(Runs.tiny(), prompts, REWARD, settings, run);
  }

  /** A listener that cancels when a step is over. */
  private static TrainingListener cancelAfter(int step, CancellationToken cancellation) {
    return new TrainingListener() {
      @Override
      public void onStep(StepMetrics metrics) {
        if (metrics.step() == step) {
          cancellation.cancel();
        }
      }
    };
  }

  private static List<String> curve(Path run) {
    return MetricsFile.read(new RunFolder(run).metrics()).stream()
        .map(ResumedRunTest::withoutSeconds)
        .toList();
  }

  private static String withoutSeconds(StepMetrics m) {
    return List.of(
            m.step(), m.reward(), m.rewardDeviation(), m.kl(), m.clipped(), m.entropy(), m.loss())
        + " "
        + List.of(m.gradientNorm(), m.learningRate(), m.groups(), m.groupsSkipped());
  }

  private static void assertSameFiles(Path expected, Path found) throws IOException {
    List<Path> files = new ArrayList<>();
    try (Stream<Path> all = Files.walk(expected)) {
      all.filter(Files::isRegularFile).map(expected::relativize).forEach(files::add);
    }
    assertFalse(files.isEmpty());
    for (Path file : files) {
      assertArrayEquals(
          Files.readAllBytes(expected.resolve(file)),
          Files.readAllBytes(found.resolve(file)),
          file.toString());
    }
  }

  @Test
  void whereverItWasInterrupted() throws Exception {
    Path whole = folder.resolve("whole");
    Path last = training(settings().build(), whole).run(TrainingListener.NONE, token());
    for (int stop : new int[] {2, 4}) {
      Path run = folder.resolve("stopped-after-" + stop);
      GrpoTraining training = training(settings().build(), run);
      CancellationToken cancellation = token();
      assertThrows(
          GenerationCancelledException.class,
          () -> training.run(cancelAfter(stop, cancellation), cancellation));
      assertTrue(Files.isDirectory(run.resolve("checkpoints/step-00000" + stop)));
      Path resumed = training.resume(TrainingListener.NONE, token());
      assertEquals(curve(whole), curve(run));
      assertSameFiles(last, resumed);
      assertSameFiles(whole.resolve("pictures/step-000005"), run.resolve("pictures/step-000005"));
    }
  }

  @Test
  void stepsAfterTheLastCheckpointAreTakenAgain() throws Exception {
    Path whole = folder.resolve("whole");
    training(settings().build(), whole).run(TrainingListener.NONE, token());
    List<String> expected = curve(whole);
    // As if the machine had gone down after step 5, before its checkpoint was written.
    delete(whole.resolve("checkpoints/step-000005"));
    training(settings().build(), whole).resume(TrainingListener.NONE, token());
    assertEquals(expected, curve(whole));
  }

  @Test
  void aFinishedRunIsLeftAsItIs() {
    Path run = folder.resolve("run");
    GrpoTraining training = training(Runs.quick(1).build(), run);
    Path last = training.run(TrainingListener.NONE, token());
    Runs.Heard heard = new Runs.Heard();
    assertEquals(last, training.resume(heard, token()));
    assertEquals(List.of(), heard.steps);
  }

  @Test
  void aFolderWithARunIsNotOverwritten() {
    Path run = folder.resolve("run");
    GrpoTraining training = training(Runs.quick(1).build(), run);
    training.run(TrainingListener.NONE, token());
    InvalidRequestException e =
        assertThrows(
            InvalidRequestException.class, () -> training.run(TrainingListener.NONE, token()));
    assertEquals(
        run + " holds a training run: resume it, or name another folder for a new one",
        e.getMessage());
  }

  /** Else it could be neither resumed nor begun anew. */
  @Test
  void aRunThatEndedBeforeItsFirstCheckpointIsBegunAnew() {
    Path run = folder.resolve("run");
    GrpoTraining training = training(Runs.quick(1).build(), run);
    CancellationToken cancellation = token();
    TrainingListener atOnce =
        new TrainingListener() {
          @Override
          public void onPicture(int step, int done, int count) {
            cancellation.cancel();
          }
        };
    assertThrows(GenerationCancelledException.class, () -> training.run(atOnce, cancellation));
    assertTrue(Files.exists(run.resolve("metrics.csv")));
    assertEquals(
        run.resolve("checkpoints/step-000001"), training.run(TrainingListener.NONE, token()));
  }

  @Test
  void anotherProgramsMetricsAreNotOverwritten() throws Exception {
    Path file = Files.writeString(folder.resolve("metrics.csv"), "day,visitors\n1,7\n");
    OutputException e =
        assertThrows(
            OutputException.class,
            () -> training(Runs.quick(1).build(), folder).run(TrainingListener.NONE, token()));
    assertTrue(e.getMessage().contains("must be a file of metrics"), e.getMessage());
    assertEquals("day,visitors\n1,7\n", Files.readString(file));
  }

  @Test
  void nothingToResume() {
    Path run = folder.resolve("run");
    ResumeException e =
        assertThrows(
            ResumeException.class,
            () -> training(Runs.quick(1).build(), run).resume(TrainingListener.NONE, token()));
    assertTrue(e.getMessage().startsWith("there is nothing to resume in " + run), e.getMessage());
    assertFalse(Files.exists(run));
  }

  @Test
  void anotherModelOrOtherSettings() throws Exception {
    Path run = folder.resolve("run");
    training(settings().build(), run).run(TrainingListener.NONE, token());
    ResumeException e =
        assertThrows(
            ResumeException.class,
            () ->
                training(settings().learningRate(2e-3).build(), run)
                    .resume(TrainingListener.NONE, token()));
    assertTrue(e.getMessage().contains("another learning rate: expected 0.001"), e.getMessage());

    Path prompts = folder.resolve("prompts.txt");
    Path checkpoint = run.resolve("checkpoints/step-000003");
    GrpoTraining other = new GrpoTraining(checkpoint, prompts, REWARD, settings().build(), run);
    e = assertThrows(ResumeException.class, () -> other.resume(TrainingListener.NONE, token()));
    assertTrue(e.getMessage().contains("trained from another model"), e.getMessage());
  }

  private static CancellationToken token() {
    return new CancellationToken();
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
