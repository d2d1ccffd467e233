package dev.blip3o.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.ImageRequest;
import dev.blip3o.support.Repository;
import dev.blip3o.training.report.StepMetrics;
import dev.blip3o.training.rewards.ScenesReward;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs on the demo. */
class GrpoTrainingTest {
  @TempDir Path folder;

  @Test
  void aCheckpointIsAModel() throws Exception {
    Path prompts = folder.resolve("prompts.txt");
    Files.writeString(prompts, "a red circle\na blue square above a green star\n");
    Path run = folder.resolve("run");
    TrainingSettings settings =
        TrainingSettings.builder(2)
            .prompts(2)
            .groupSize(4)
            .denoisingSteps(3)
            .learningRate(1e-4)
            .checkpointEvery(1)
            .build();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void onStep(StepMetrics metrics) {
            System.out.println(metrics);
          }
        };
    Path checkpoint =
        new GrpoTraining(Repository.demo(), prompts, ScenesReward.partial(), settings, run)
            .run(listener, new CancellationToken());
    assertEquals(run.resolve("checkpoints/step-000002"), checkpoint);
    assertTrue(Files.exists(run.resolve("report.html")));
    try (Blip3oModel model = Blip3oModel.open(checkpoint)) {
      assertEquals(128, model.generate(ImageRequest.of("a red circle")).width());
    }
  }
}
