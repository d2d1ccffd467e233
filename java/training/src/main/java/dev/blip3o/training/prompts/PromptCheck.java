package dev.blip3o.training.prompts;

/**
 * Whether a model takes a prompt, as {@code model.stages()::prompt} finds out.
 *
 * <p>{@link PromptsFile} calls it on its caller's thread.
 */
@FunctionalInterface
public interface PromptCheck {
  /**
   * Returns if the model takes the prompt.
   *
   * @throws dev.blip3o.InvalidRequestException if it doesn't, for example as it is too long
   */
  void check(String prompt);
}
