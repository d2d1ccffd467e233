package dev.blip3o.training.rewards;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.training.prompts.TrainingPrompt;
import dev.blip3o.training.scenes.Scene;
import dev.blip3o.training.scenes.SceneBackground;
import dev.blip3o.training.scenes.SceneColor;
import dev.blip3o.training.scenes.ScenePainter;
import dev.blip3o.training.scenes.SceneShape;
import dev.blip3o.training.scenes.Thing;
import java.awt.image.BufferedImage;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScenesRewardTest {
  private static RewardInput circle(String prompt) {
    Scene.Item item = new Scene.Item(new Thing(SceneShape.CIRCLE, SceneColor.RED), 0.5, 0.5, 0.2);
    BufferedImage picture = ScenePainter.paint(new Scene(List.of(item), SceneBackground.WHITE), 64);
    return new RewardInput(TrainingPrompt.of(prompt), picture);
  }

  private static final List<RewardInput> BATCH =
      List.of(
          circle("a red circle"),
          circle("a red star"),
          circle("a blue star on a black background"));

  @Test
  void aHeldPromptIsWorthOne() throws Exception {
    try (ScenesReward partial = ScenesReward.partial();
        ScenesReward whole = ScenesReward.whole()) {
      assertArrayEquals(new double[] {1, 0.625, 0}, Inputs.await(partial.score(BATCH)), 1e-12);
      assertArrayEquals(new double[] {1, 0, 0}, Inputs.await(whole.score(BATCH)));
    }
  }

  @Test
  void anotherSentenceIsRefused() {
    try (ScenesReward reward = ScenesReward.partial()) {
      TrainingPrompt prompt = TrainingPrompt.of("a photo of a cat");
      RewardContractException e =
          assertThrows(RewardContractException.class, () -> reward.checkPrompt(prompt));
      assertTrue(e.getMessage().contains("'scenes'"), e.getMessage());
      assertTrue(e.getMessage().contains("a photo of a cat"), e.getMessage());
      Inputs.failure(
          RewardContractException.class, reward.score(List.of(circle("a photo of a cat"))));
    }
  }
}
