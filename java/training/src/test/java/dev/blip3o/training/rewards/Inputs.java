package dev.blip3o.training.rewards;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.blip3o.training.prompts.TrainingPrompt;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** What tests of rewards send, and how they wait. */
final class Inputs {
  private static final int PATIENCE_SECONDS = 60;

  private Inputs() {}

  /** A picture of one colour. */
  static RewardInput plain(String prompt, int rgb) {
    BufferedImage picture = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 64; i++) {
      picture.setRGB(i % 8, i / 8, rgb);
    }
    return new RewardInput(TrainingPrompt.of(prompt), picture);
  }

  /** Two pictures. */
  static List<RewardInput> two() {
    return List.of(plain("a red circle", 0xFF0000), plain("a blue star", 0x0000FF));
  }

  /** The value, which must come. */
  static <T> T await(CompletableFuture<T> future) throws Exception {
    return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  /** The failure, which must come and be of this type. */
  static <T extends Throwable> T failure(Class<T> type, CompletableFuture<?> future) {
    ExecutionException e = assertThrows(ExecutionException.class, () -> await(future));
    return assertInstanceOf(type, e.getCause());
  }
}
