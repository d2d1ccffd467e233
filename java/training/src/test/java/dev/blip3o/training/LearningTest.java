package dev.blip3o.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model learns what its reward asks for. */
class LearningTest {
  /** One code in eight. */
  private static final double CHANCE = 0.125;

  @TempDir Path folder;

  @Test
  void tokensThatAreRewardedBecomeNearlyAll() {
    int codes;
    try (Blip3oModel model = Blip3oModel.open(Runs.tiny())) {
      codes = model.info().imageCodes();
    }
    TokenReward reward = new TokenReward((int) (codes * CHANCE));
    Path prompts = Runs.prompts(folder, "a red circle", "two blue stars");
    TrainingSettings settings = Runs.quick(15).groupSize(16).learningRate(3e-3).klWeight(0).build();
    Runs.Heard heard = new Runs.Heard();
    new GrpoTraining(Runs.tiny(), prompts, reward, settings, folder.resolve("run"))
        .run(heard, new CancellationToken());
    assertEquals(CHANCE, heard.steps.get(0).reward(), 0.1);
    double last = heard.steps.get(heard.steps.size() - 1).reward();
    assertTrue(last > 0.9, "the reward only rose to " + last);
  }
}
