package dev.blip3o;

import dev.blip3o.internal.JobMonitor;
import dev.blip3o.internal.JobOutputs;
import dev.blip3o.internal.JobSpec;
import dev.blip3o.internal.JobStage;
import dev.blip3o.internal.JobValue;
import dev.blip3o.internal.NativeHandle;
import dev.blip3o.internal.NativeModel;
import dev.blip3o.internal.PromptTokenizer;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;

/** The stages of one open model. */
final class ModelStages implements Stages {
  private final NativeHandle handle;
  private final NativeModel model;
  private final PromptTokenizer tokenizer;
  private final ModelInfo info;

  ModelStages(NativeHandle handle, NativeModel model, PromptTokenizer tokenizer) {
    this.handle = handle;
    this.model = model;
    this.tokenizer = tokenizer;
    this.info = model.info();
  }

  @Override
  public PromptIds prompt(String prompt) {
    ImageRequest.checkPrompt(prompt);
    int[] ids = handle.use(() -> tokenizer.encode(prompt, info.imageStartTag(), info.scaleStart()));
    if (ids.length > info.maxPromptLength()) {
      throw new InvalidRequestException(
          String.format(
              Locale.ROOT,
              "the prompt is too long: with its template it has %d tokens, but at most %d leave"
                  + " room for the %d image tokens; shorten it",
              ids.length,
              info.maxPromptLength(),
              info.imageTokens()));
    }
    return PromptIds.of(ids);
  }

  @Override
  public ImageTokens imageTokens(ImageRequest request) {
    return imageTokens(request, ProgressListener.NONE, new CancellationToken());
  }

  @Override
  public ImageTokens imageTokens(
      ImageRequest request, ProgressListener listener, CancellationToken cancellation) {
    Requests.single(request, "imageTokens");
    ImageRequest resolved = Requests.resolve(request, info);
    PromptIds prompt = prompt(request.prompt());
    JobSpec spec =
        new JobSpec(JobStage.TOKENS, JobStage.TOKENS, JobValue.TOKENS, JobValue.HIDDEN_STATES)
            .prompt(prompt.array());
    Requests.fill(spec, resolved);
    JobOutputs outputs = run(spec, listener, cancellation);
    return new ImageTokens(
        outputs.ints(JobValue.TOKENS), prompt, hiddenStates(outputs), resolved.seed().getAsLong());
  }

  @Override
  public HiddenStates hiddenStates(String prompt, int[] tokens) {
    return hiddenStates(prompt(prompt), tokens);
  }

  @Override
  public HiddenStates hiddenStates(PromptIds prompt, int[] tokens) {
    checkTokens(tokens);
    JobSpec spec =
        new JobSpec(JobStage.HIDDEN, JobStage.HIDDEN, JobValue.HIDDEN_STATES)
            .prompt(prompt.array())
            .tokens(tokens);
    return hiddenStates(run(spec));
  }

  @Override
  public Condition condition(HiddenStates hiddenStates) {
    expect("hidden states", hiddenStates, info.imageTokens() + 1, info.hiddenSize());
    JobSpec spec =
        new JobSpec(
                JobStage.CONDITION, JobStage.CONDITION, JobValue.CONDITION, JobValue.NULL_CONDITION)
            .hiddenStates(hiddenStates.array(), hiddenStates.shape());
    JobOutputs outputs = run(spec);
    int[] shape = outputs.shape(JobValue.CONDITION);
    return Condition.owning(
        shape[0],
        shape[1],
        outputs.floats(JobValue.CONDITION),
        outputs.floats(JobValue.NULL_CONDITION));
  }

  @Override
  public Noise noise(long seed) {
    int count = info.latentChannels() * info.latentHeight() * info.latentWidth();
    return Noise.owning(
        info.latentChannels(),
        info.latentHeight(),
        info.latentWidth(),
        NativeModel.noise(seed, count));
  }

  @Override
  public Latents denoise(Condition condition, Noise noise, int steps, double guidance) {
    return denoise(
        condition, noise, steps, guidance, ProgressListener.NONE, new CancellationToken());
  }

  @Override
  public Latents denoise(
      Condition condition,
      Noise noise,
      int steps,
      double guidance,
      ProgressListener listener,
      CancellationToken cancellation) {
    Checks.range("steps", steps, 1, ImageRequest.MAX_STEPS);
    Checks.range("guidance", guidance, 1, ImageRequest.MAX_GUIDANCE);
    expect("condition", condition, condition.rows(), info.captionSize());
    expectLatentShape("noise", noise);
    JobSpec spec =
        new JobSpec(JobStage.LATENTS, JobStage.LATENTS, JobValue.LATENTS)
            .condition(condition.array(), condition.shape())
            .noise(noise.array(), noise.shape())
            .flow(steps, guidance);
    if (condition.nullArray() != null) {
      spec.nullCondition(condition.nullArray(), 1, condition.captionSize());
    } else if ((float) guidance != 1) {
      throw new InvalidRequestException(
          "guidance " + guidance + " needs a condition with a null row, but this one has none");
    }
    return latents(run(spec, listener, cancellation));
  }

  @Override
  public Pixels decode(Latents latents) {
    return decode(latents, ProgressListener.NONE, new CancellationToken());
  }

  @Override
  public Pixels decode(Latents latents, ProgressListener listener, CancellationToken cancellation) {
    expectLatentShape("latents", latents);
    JobSpec spec =
        new JobSpec(JobStage.PIXELS, JobStage.PIXELS, JobValue.PIXELS)
            .latents(latents.array(), latents.shape());
    return pixels(run(spec, listener, cancellation));
  }

  /** The pixels of a job that yielded them. */
  static Pixels pixels(JobOutputs outputs) {
    int[] shape = outputs.shape(JobValue.PIXELS);
    return Pixels.owning(shape[1], shape[0], outputs.bytes(JobValue.PIXELS));
  }

  private static HiddenStates hiddenStates(JobOutputs outputs) {
    int[] shape = outputs.shape(JobValue.HIDDEN_STATES);
    return HiddenStates.owning(shape[0], shape[1], outputs.floats(JobValue.HIDDEN_STATES));
  }

  private static Latents latents(JobOutputs outputs) {
    int[] shape = outputs.shape(JobValue.LATENTS);
    return Latents.owning(shape[0], shape[1], shape[2], outputs.floats(JobValue.LATENTS));
  }

  private JobOutputs run(JobSpec spec) {
    return run(spec, ProgressListener.NONE, new CancellationToken());
  }

  private JobOutputs run(JobSpec spec, ProgressListener listener, CancellationToken cancellation) {
    Objects.requireNonNull(listener, "listener");
    Objects.requireNonNull(cancellation, "cancellation");
    JobMonitor monitor = new JobProgress(handle, listener, cancellation, 0, 1);
    return handle.use(() -> model.run(spec, monitor));
  }

  private void checkTokens(int[] tokens) {
    if (tokens.length != info.imageTokens()) {
      throw new InvalidRequestException(
          "a picture of this model has "
              + info.imageTokens()
              + " image tokens, but "
              + tokens.length
              + " were given");
    }
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] < 0 || tokens[i] >= info.imageCodes()) {
        throw new InvalidRequestException(
            "image tokens must be in [0, "
                + info.imageCodes()
                + "), but token "
                + i
                + " is "
                + tokens[i]);
      }
    }
  }

  /** Checks a shape of {@code [c, h, w]}. */
  void expectLatentShape(String name, FloatTensor tensor) {
    expect(name, tensor, info.latentChannels(), info.latentHeight(), info.latentWidth());
  }

  private static void expect(String name, FloatTensor tensor, int... shape) {
    if (!Arrays.equals(tensor.shape(), shape)) {
      throw new InvalidRequestException(
          "this model takes "
              + name
              + " of shape "
              + Shapes.text(shape)
              + ", but "
              + Shapes.text(tensor.shape())
              + " was given");
    }
  }
}
