package dev.blip3o;

/**
 * A picture stage by stage, for people who build on it. What {@link Blip3oModel#generate} does is
 *
 * <pre>{@code
 * Stages stages = model.stages();
 * ImageTokens tokens = stages.imageTokens(request);                  // [N], and hidden states [N + 1, H]
 * Condition condition = stages.condition(tokens.hiddenStates());     // [M, C], and the null row [1, C]
 * Noise noise = stages.noise(tokens.seed());                         // [c, h, w]
 * Latents latents = stages.denoise(condition, noise, 30, 2.0);       // [c, h, w]
 * Pixels pixels = stages.decode(latents);                            // [height, width, 3]
 * }</pre>
 *
 * <p>and gives the same pixels. Every value is immutable, lives on the Java heap and may be kept
 * beyond the model.
 *
 * <p>Threads: any thread may call any stage; calls are queued in the model and each waits for its
 * result. An interrupt of the waiting thread cancels the call, which throws {@link
 * GenerationCancelledException} and leaves the interrupt flag set.
 *
 * <p>Errors, of every stage: {@link InvalidRequestException} for a value whose sizes are not the
 * model's, {@link InsufficientMemoryException}, {@link NumericException}, {@link
 * GenerationCancelledException} when the model is closed meanwhile, {@link IllegalStateException}
 * when it was closed before.
 */
public interface Stages {
  /**
   * Tokenises a prompt: the chat template around it, no special tokens from within it, {@code
   * <im_start><S0>} at its end.
   *
   * @throws InvalidRequestException if the prompt is empty or too long; the message has its length
   *     and the maximum
   */
  PromptIds prompt(String prompt);

  /**
   * Draws the image tokens of a request, token by token.
   *
   * @throws InvalidRequestException also if the request's count is not 1
   */
  ImageTokens imageTokens(ImageRequest request);

  /** {@link #imageTokens(ImageRequest)} with progress and cancellation. */
  ImageTokens imageTokens(
      ImageRequest request, ProgressListener listener, CancellationToken cancellation);

  /**
   * Hidden states for tokens from elsewhere, in one prefill.
   *
   * @param prompt what the tokens were drawn for
   * @param tokens {@code [N]}, image codes without offset
   * @return {@code [N + 1, H]}
   */
  HiddenStates hiddenStates(String prompt, int[] tokens);

  /**
   * Hidden states for tokens and a tokenised prompt from elsewhere, in one prefill.
   *
   * @param prompt ids that end in {@code <im_start><S0>}
   * @param tokens {@code [N]}, image codes without offset
   * @return {@code [N + 1, H]}
   */
  HiddenStates hiddenStates(PromptIds prompt, int[] tokens);

  /**
   * The condition of hidden states, and the null row.
   *
   * @param hiddenStates {@code [N + 1, H]}
   * @return {@code [M, C]} with null row {@code [1, C]}
   */
  Condition condition(HiddenStates hiddenStates);

  /**
   * Standard normal noise of a seed: Philox 4x32-10 counters and Box-Muller, the same on every
   * machine and thread count.
   *
   * @return {@code [c, h, w]}
   */
  Noise noise(long seed);

  /**
   * Solves the flow from noise to latents.
   *
   * @param condition {@code [M, C]}; needs its null row unless guidance is 1
   * @param noise {@code [c, h, w]}
   * @param steps {@code [1, 1000]}
   * @param guidance {@code [1, 100]}; 1: no guidance, half the work
   * @return {@code [c, h, w]}
   */
  Latents denoise(Condition condition, Noise noise, int steps, double guidance);

  /** {@link #denoise(Condition, Noise, int, double)} with progress and cancellation. */
  Latents denoise(
      Condition condition,
      Noise noise,
      int steps,
      double guidance,
      ProgressListener listener,
      CancellationToken cancellation);

  /**
   * Decodes latents.
   *
   * @param latents {@code [c, h, w]}
   * @return {@code [height, width, 3]}
   */
  Pixels decode(Latents latents);

  /** {@link #decode(Latents)} with progress and cancellation. */
  Pixels decode(Latents latents, ProgressListener listener, CancellationToken cancellation);
}
