package dev.blip3o.cli.training;

import dev.blip3o.cli.UsageException;
import dev.blip3o.training.prompts.PromptCheck;
import dev.blip3o.training.prompts.PromptsFile;
import dev.blip3o.training.prompts.PromptsFileException;
import dev.blip3o.training.prompts.TrainingPrompt;
import dev.blip3o.training.rewards.Reward;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/** Reads files of prompts. */
final class Prompts {
  private Prompts() {}

  /**
   * The prompts, in order.
   *
   * @throws UsageException if the file can't be used, or {@code check} refuses a prompt
   * @throws dev.blip3o.training.rewards.RewardContractException if a prompt lacks what the reward
   *     needs
   */
  static List<TrainingPrompt> read(Path file, Reward reward, PromptCheck check) {
    List<TrainingPrompt> prompts = blamed(() -> PromptsFile.read(file, check));
    prompts.forEach(reward::checkPrompt);
    return prompts;
  }

  /**
   * What {@code work} makes.
   *
   * @throws UsageException if it is the prompts file that is at fault
   */
  static <T> T blamed(Supplier<T> work) {
    try {
      return work.get();
    } catch (PromptsFileException e) {
      throw new UsageException("--prompts: " + e.getMessage(), e);
    }
  }
}
