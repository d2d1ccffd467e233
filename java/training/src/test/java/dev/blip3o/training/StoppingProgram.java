package dev.blip3o.training;

import dev.blip3o.CancellationToken;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.OutputException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Begins a run of two steps in a folder with {@code prompts.txt}, or goes on with it, stops once
 * the wanted checkpoint is there, and prints which one it wrote last, or what went wrong.
 */
final class StoppingProgram {
  private StoppingProgram() {}

  /** The folder; the checkpoint after which it stops. */
  public static void main(String[] arguments) {
    Path folder = Path.of(arguments[0]);
    int stop = Integer.parseInt(arguments[1]);
    CancellationToken cancellation = new CancellationToken();
    int[] last = new int[1];
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void onCheckpoint(int step, Path checkpoint) {
            last[0] = step;
            if (step == stop) {
              cancellation.cancel();
            }
          }
        };
    Path run = folder.resolve("run");
    GrpoTraining training =
        new GrpoTraining(
            Runs.tiny(),
            folder.resolve("prompts.txt"),
            new TokenReward(100),
            Runs.quick(2).checkpointEvery(1).build(),
            run);
    try {
      if (Files.exists(run)) {
        training.resume(listener, cancellation);
      } else {
        training.run(listener, cancellation);
      }
    } catch (GenerationCancelledException e) {
      // As wanted.
    } catch (OutputException e) {
      System.out.println(e.getMessage());
      return;
    }
    System.out.println("checkpoint " + last[0]);
  }
}
