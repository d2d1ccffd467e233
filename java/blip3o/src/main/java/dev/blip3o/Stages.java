package dev.blip3o;

import java.util.List;

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
 * <p>and gives the same pixels. What {@link Blip3oModel#edit} does begins with the reference
 * pictures, and takes their latents along:
 *
 * <pre>{@code
 * List<int[]> references = List.of(stages.referenceTokens(picture));           // R times [N]
 * List<Latents> latents = List.of(stages.referenceLatents(picture));           // R times [c, h, w]
 * PromptIds prompt = stages.editPrompt("make the circle blue", references);    // [T]
 * ImageTokens tokens = stages.drawTokens(prompt, request);                     // [N], [N + 1, H]
 * Condition condition = stages.condition(tokens.hiddenStates(), latents);      // [M, C]
 * Denoise flow = Denoise.builder(condition, stages.noise(tokens.seed())).references(latents).build();
 * Pixels pixels = stages.decode(stages.denoise(flow));                         // [height, width, 3]
 * }</pre>
 *
 * <p>A variation keeps the image tokens, and with them the composition, and changes the noise:
 *
 * <pre>{@code
 * Condition condition = stages.condition(stages.hiddenStates("a red circle", image.tokens()));
 * Pixels variation = stages.decode(stages.denoise(condition, stages.noise(8), 30, 2.0));
 * }</pre>
 *
 * <p>or starts from the picture's own latents, noised, instead of pure noise:
 *
 * <pre>{@code
 * Latents initial = stages.referenceLatents(InputImage.of(image.pixels()));
 * Denoise flow = Denoise.builder(condition, stages.noise(8)).initial(initial, 0.6).build();
 * }</pre>
 *
 * <p>Every value is immutable, owns its memory and may be kept beyond the model. Floats and image
 * tokens lie in direct memory, which the stages read where it is: {@link FloatTensor} tells when it
 * is freed.
 *
 * <p>Threads: any thread may call any stage; calls are queued in the model and each waits for its
 * result. An interrupt of the waiting thread cancels the call, which throws {@link
 * GenerationCancelledException} and leaves the interrupt flag set.
 *
 * <p>Errors, of every stage: {@link InvalidRequestException} for a value whose sizes are not the
 * model's, {@link UnsupportedException} for what the checkpoint lacks ({@link
 * Blip3oModel#capabilities}), {@link InsufficientMemoryException}, {@link NumericException}, {@link
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
   * Tokenises an edit's instruction with the tokens of its reference pictures in it.
   *
   * @param referenceTokens the tokens {@code [N]} of 1 to 16 pictures, in their order
   * @throws InvalidRequestException if the instruction is empty, or too long beside the tokens
   */
  PromptIds editPrompt(String instruction, List<int[]> referenceTokens);

  /**
   * The image tokens of a picture: resized to the image tokenizer's square, encoded, and each place
   * given the nearest code of the codebook.
   *
   * @return {@code [N]}, image codes without offset
   */
  int[] referenceTokens(InputImage image);

  /** {@link #referenceTokens(InputImage)} with progress and cancellation. */
  int[] referenceTokens(
      InputImage image, ProgressListener listener, CancellationToken cancellation);

  /**
   * The latents of a picture: resized and cropped to the model's square, encoded, and times the
   * scaling factor.
   *
   * @return {@code [c, h, w]}
   */
  Latents referenceLatents(InputImage image);

  /** {@link #referenceLatents(InputImage)} with progress and cancellation. */
  Latents referenceLatents(
      InputImage image, ProgressListener listener, CancellationToken cancellation);

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
   * Draws image tokens for a tokenised prompt, for example an edit's, token by token; or gives the
   * request's own tokens their hidden states.
   *
   * @param prompt ids that end in {@code <im_start><S0>}
   * @param settings seed, sampling and tokens; its prompt and pictures are not looked at
   * @throws InvalidRequestException also if the request's count is not 1
   */
  ImageTokens drawTokens(PromptIds prompt, PictureRequest settings);

  /** {@link #drawTokens(PromptIds, PictureRequest)} with progress and cancellation. */
  ImageTokens drawTokens(
      PromptIds prompt,
      PictureRequest settings,
      ProgressListener listener,
      CancellationToken cancellation);

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
   * Hidden states of tokens and their prompt anew, in one prefill, without a copy of the tokens.
   *
   * @return {@code [N + 1, H]}
   */
  HiddenStates hiddenStates(ImageTokens tokens);

  /**
   * The condition of hidden states, and the null row.
   *
   * @param hiddenStates {@code [N + 1, H]}
   * @return {@code [M, C]} with null row {@code [1, C]}
   */
  Condition condition(HiddenStates hiddenStates);

  /**
   * The condition of an edit: the rows of the hidden states, then those of the reference latents.
   *
   * @param hiddenStates {@code [N + 1, H]}
   * @param references latents {@code [c, h, w]} of the reference pictures, in their order; empty:
   *     text to image
   * @return {@code [M, C]} with null row {@code [1, C]}
   */
  Condition condition(HiddenStates hiddenStates, List<Latents> references);

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
   * Solves the flow for an edit, or from an initial picture. There are no masks here: they work on
   * the pixels as well, so they belong to whole requests ({@link PictureRequest#mask}).
   *
   * @return {@code [c, h, w]}
   * @throws InvalidRequestException also if the condition was made for another number of reference
   *     pictures than {@code request} has; a condition from elsewhere ({@link Condition#of}) is
   *     checked by its rows, where the model puts references there
   */
  Latents denoise(Denoise request);

  /** {@link #denoise(Denoise)} with progress and cancellation. */
  Latents denoise(Denoise request, ProgressListener listener, CancellationToken cancellation);

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
