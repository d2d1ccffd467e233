package dev.blip3o.cli.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.CancellationToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs on the demo. */
class TrainRunTest {
  @TempDir Path folder;

  private Path prompts;
  private Path run;

  @BeforeEach
  void files() throws IOException {
    prompts = folder.resolve("prompts.txt");
    Files.writeString(
        prompts, "a red circle\n{\"prompt\": \"a blue square\", \"kind\": \"one\"}\n");
    run = folder.resolve("run");
  }

  private String[] grpo(String... more) {
    List<String> words =
        new ArrayList<>(
            List.of("train", "grpo", "--reward=scenes", "--steps=2", "--batch=1", "--group=2"));
    words.addAll(List.of("--picture-steps=1", "--checkpoint-every=1", "--threads=1"));
    words.addAll(List.of("--prompts", prompts.toString(), "-o", run.toString()));
    words.addAll(List.of(more));
    return words.toArray(String[]::new);
  }

  /** Stopped after its first checkpoint, resumed, measured. */
  @Test
  void aRunIsInterruptedAndResumed() throws IOException {
    CancellationToken interrupt = new CancellationToken();
    Run first =
        Run.of(
            interrupt,
            text -> {
              if (text.startsWith("checkpoint " + run)) {
                interrupt.cancel();
              }
            },
            grpo());
    assertEquals(130, first.code(), first.out() + first.err());
    assertEquals("blip3o: cancelled", first.err().strip());
    assertTrue(first.out().contains("with --resume goes on after step 1"), first.out());

    Run again = Run.of(grpo());
    assertEquals(2, again.code(), again.err());
    assertTrue(again.err().contains("holds a training run: resume it"), again.err());

    Run second = Run.of(grpo("--resume"));
    assertEquals(0, second.code(), second.out() + second.err());
    assertEquals("", second.err());
    assertTrue(second.out().contains("going on     after step 1"), second.out());
    assertTrue(second.out().contains("\nstep 2/2: reward "), second.out());
    Path checkpoint = run.resolve("checkpoints/step-000002");
    assertTrue(second.out().contains("--model " + RunText.shellWord(checkpoint)), second.out());
    assertEquals(3, Files.readAllLines(run.resolve("metrics.csv")).size());
    assertTrue(Files.exists(run.resolve("report.html")));

    measures(checkpoint);
  }

  private void measures(Path checkpoint) {
    Run measured =
        Run.of(
            "train",
            "evaluate",
            "--json",
            "--reward=scenes",
            "--picture-steps=1",
            "--prompts=" + prompts,
            "--model=" + checkpoint);
    assertEquals(0, measured.code(), measured.err());
    assertTrue(
        measured.out().matches("\\{.*\"count\":2,.*\"kinds\":\\{\"one\":\\{\"count\":1,.*\\}\n"),
        measured.out());
  }

  @Test
  void quietPrintsNothing() {
    assertEquals(new Run(0, "", ""), Run.of(grpo("-q")));
  }
}
