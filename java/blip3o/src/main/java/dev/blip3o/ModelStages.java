package dev.blip3o;

import dev.blip3o.internal.DirectMemory;
import dev.blip3o.internal.JobOutputs;
import dev.blip3o.internal.JobSpec;
import dev.blip3o.internal.JobStage;
import dev.blip3o.internal.JobValue;
import dev.blip3o.internal.NativeHandle;
import dev.blip3o.internal.NativeModel;
import dev.blip3o.internal.PromptTokenizer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/** The stages of one open model. */
final class ModelStages implements Stages {
  private static final int MAX_REFERENCES = EditRequest.MAX_REFERENCES;

  private final NativeHandle handle;
  private final Jobs jobs;
  private final PromptTokenizer tokenizer;
  private final ModelInfo info;
  private final Capabilities capabilities;

  ModelStages(NativeHandle handle, NativeModel model, Jobs jobs, PromptTokenizer tokenizer) {
    this.handle = handle;
    this.jobs = jobs;
    this.tokenizer = tokenizer;
    this.info = model.info();
    Capabilities weights = model.capabilities();
    this.capabilities =
        new Capabilities(
            weights.referenceTokensLack(),
            weights.referenceLatentsLack(),
            weights.editingLacks().or(tokenizer::editingLack));
  }

  /** Throws where {@code lack} names something: what a request needs and the checkpoint lacks. */
  void require(Optional<String> lack) {
    Capabilities.require(lack, info.directory());
  }

  /** What the weights and the tokenizer can do. */
  Capabilities capabilities() {
    return capabilities;
  }

  @Override
  public PromptIds prompt(String prompt) {
    return PromptIds.of(promptIds(prompt, 0));
  }

  @Override
  public PromptIds editPrompt(String instruction, List<int[]> referenceTokens) {
    require(capabilities.editingLacks());
    List<int[]> references = Checks.copy("referenceTokens", referenceTokens);
    Checks.range("the number of references", references.size(), 1, MAX_REFERENCES);
    references.forEach(this::checkTokens);
    int[] ids = ReferenceTokens.ids(references, info.imageTokenFirst());
    return PromptIds.of(promptIds(instruction, references.size(), ids));
  }

  /**
   * The ids of a prompt, {@code [T]}: of text to image where there are no references, else of an
   * edit with placeholders for their tokens.
   */
  int[] promptIds(String prompt, int references) {
    int[] placeholders = ReferenceTokens.placeholders(references * info.imageTokens());
    return promptIds(prompt, references, placeholders);
  }

  private int[] promptIds(String prompt, int references, int[] referenceIds) {
    PictureRequest.checkPrompt(noun(references), prompt);
    int[] ids =
        handle.use(
            () ->
                references == 0
                    ? tokenizer.encode(prompt, info.imageStartTag(), info.scaleStart())
                    : tokenizer.encodeEdit(
                        prompt, references, referenceIds, info.imageStartTag(), info.scaleStart()));
    if (ids.length > info.maxPromptLength()) {
      throw new InvalidRequestException(tooLong(ids.length, references));
    }
    return ids;
  }

  private static String noun(int references) {
    return references == 0 ? PictureRequest.PROMPT : PictureRequest.INSTRUCTION;
  }

  private String tooLong(int length, int references) {
    String parts =
        references == 0
            ? "its template"
            : String.format(
                Locale.ROOT,
                "its template and the %d tokens of %d reference picture%s",
                references * info.imageTokens(),
                references,
                references == 1 ? "" : "s");
    return String.format(
        Locale.ROOT,
        "the %s is too long: with %s it has %d tokens, but at most %d leave room for the %d"
            + " image tokens; shorten it%s",
        noun(references),
        parts,
        length,
        info.maxPromptLength(),
        info.imageTokens(),
        references > 1 ? ", or give fewer reference pictures" : "");
  }

  @Override
  public int[] referenceTokens(InputImage image) {
    return referenceTokens(image, ProgressListener.NONE, new CancellationToken());
  }

  @Override
  public int[] referenceTokens(
      InputImage image, ProgressListener listener, CancellationToken cancellation) {
    Objects.requireNonNull(image, "image");
    require(capabilities.referenceTokensLack());
    JobSpec spec =
        new JobSpec(JobStage.REFERENCES, JobStage.REFERENCES, JobValue.REFERENCE_TOKENS)
            .reference(image.array(), image.shape());
    return run(spec, listener, cancellation).ints(JobValue.REFERENCE_TOKENS);
  }

  @Override
  public Latents referenceLatents(InputImage image) {
    return referenceLatents(image, ProgressListener.NONE, new CancellationToken());
  }

  @Override
  public Latents referenceLatents(
      InputImage image, ProgressListener listener, CancellationToken cancellation) {
    Objects.requireNonNull(image, "image");
    require(capabilities.referenceLatentsLack());
    JobSpec spec =
        new JobSpec(JobStage.REFERENCES, JobStage.REFERENCES, JobValue.REFERENCE_LATENTS)
            .reference(image.array(), image.shape());
    JobOutputs outputs = run(spec, listener, cancellation);
    int[] shape = outputs.shape(JobValue.REFERENCE_LATENTS);
    return Latents.owning(shape[1], shape[2], shape[3], outputs.floats(JobValue.REFERENCE_LATENTS));
  }

  @Override
  public ImageTokens imageTokens(ImageRequest request) {
    return imageTokens(request, ProgressListener.NONE, new CancellationToken());
  }

  @Override
  public ImageTokens imageTokens(
      ImageRequest request, ProgressListener listener, CancellationToken cancellation) {
    return drawTokens(prompt(request.prompt()), request, listener, cancellation);
  }

  @Override
  public ImageTokens drawTokens(PromptIds prompt, PictureRequest settings) {
    return drawTokens(prompt, settings, ProgressListener.NONE, new CancellationToken());
  }

  @Override
  public ImageTokens drawTokens(
      PromptIds prompt,
      PictureRequest settings,
      ProgressListener listener,
      CancellationToken cancellation) {
    Requests.single(settings, "drawing tokens", "");
    settings.tokens().ifPresent(this::checkTokens);
    PictureRequest resolved = Requests.resolve(settings, info);
    JobSpec spec =
        new JobSpec(JobStage.TOKENS, JobStage.TOKENS, JobValue.TOKENS, JobValue.HIDDEN_STATES)
            .prompt(prompt.array());
    Requests.fill(spec, resolved);
    JobOutputs outputs = run(spec, listener, cancellation);
    return ImageTokens.of(
        outputs.ints(JobValue.TOKENS), prompt, hiddenStates(outputs), resolved.seed().getAsLong());
  }

  @Override
  public HiddenStates hiddenStates(String prompt, int[] tokens) {
    return hiddenStates(prompt(prompt), tokens);
  }

  @Override
  public HiddenStates hiddenStates(PromptIds prompt, int[] tokens) {
    return hiddenStates(prompt, IntBuffer.wrap(tokens));
  }

  @Override
  public HiddenStates hiddenStates(ImageTokens tokens) {
    return hiddenStates(tokens.promptIds(), tokens.values());
  }

  private HiddenStates hiddenStates(PromptIds prompt, IntBuffer tokens) {
    checkTokens(tokens);
    JobSpec spec =
        new JobSpec(JobStage.TOKENS, JobStage.TOKENS, JobValue.HIDDEN_STATES)
            .prompt(prompt.array())
            .tokens(tokens);
    return hiddenStates(run(spec));
  }

  @Override
  public Condition condition(HiddenStates hiddenStates) {
    return condition(hiddenStates, List.of());
  }

  @Override
  public Condition condition(HiddenStates hiddenStates, List<Latents> references) {
    expect("hidden states", hiddenStates, info.imageTokens() + 1, info.hiddenSize());
    JobSpec spec =
        new JobSpec(
                JobStage.CONDITION, JobStage.CONDITION, JobValue.CONDITION, JobValue.NULL_CONDITION)
            .hiddenStates(hiddenStates.values(), hiddenStates.shape());
    fillReferences(spec, references);
    JobOutputs outputs = run(spec);
    int[] shape = outputs.shape(JobValue.CONDITION);
    return Condition.owning(
        shape[0],
        shape[1],
        outputs.floats(JobValue.CONDITION),
        outputs.floats(JobValue.NULL_CONDITION),
        references.size());
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
    Denoise request = Denoise.builder(condition, noise).steps(steps).guidance(guidance).build();
    return denoise(request, listener, cancellation);
  }

  @Override
  public Latents denoise(Denoise request) {
    return denoise(request, ProgressListener.NONE, new CancellationToken());
  }

  @Override
  public Latents denoise(
      Denoise request, ProgressListener listener, CancellationToken cancellation) {
    Condition condition = request.condition();
    Noise noise = request.noise();
    expect("condition", condition, condition.rows(), info.captionSize());
    expectReferences(condition, request.references().size());
    expectLatentShape("noise", noise);
    JobSpec spec =
        new JobSpec(JobStage.LATENTS, JobStage.LATENTS, JobValue.LATENTS)
            .condition(condition.values(), condition.shape())
            .noise(noise.values(), noise.shape())
            .flow(request.steps(), request.guidance());
    condition.nullRow().ifPresent(row -> spec.nullCondition(row, 1, condition.captionSize()));
    fillReferences(spec, request.references());
    request.initial().ifPresent(initial -> fillInitial(spec, initial, request.strength()));
    return latents(run(spec, listener, cancellation));
  }

  /**
   * Checks that a condition was made for as many reference pictures as the flow gets. One from
   * elsewhere tells by its rows, where they hold whole references behind those of the hidden
   * states; a model that keeps references out of its condition does not tell.
   */
  private void expectReferences(Condition condition, int references) {
    int rowsOfOne = info.latentHeight() * info.latentWidth();
    int rowsOfAll = condition.rows() - (info.imageTokens() + 1);
    boolean tells = rowsOfAll > 0 && rowsOfAll % rowsOfOne == 0;
    int made = condition.references().orElse(tells ? rowsOfAll / rowsOfOne : references);
    if (made != references) {
      throw new InvalidRequestException(
          String.format(
              Locale.ROOT,
              "the condition was made for %d reference picture%s, but the flow has the latents of"
                  + " %d; give both stages the same references",
              made,
              made == 1 ? "" : "s",
              references));
    }
  }

  private void fillInitial(JobSpec spec, Latents initial, double strength) {
    expectLatentShape("initial latents", initial);
    spec.initialLatents(initial.values(), initial.shape()).strength(strength);
  }

  /** Sets reference latents {@code [R, c, h, w]}, where there are any. */
  private void fillReferences(JobSpec spec, List<Latents> latents) {
    List<Latents> references = Checks.copy("references", latents);
    if (references.isEmpty()) {
      return;
    }
    require(capabilities.editingLacks());
    Checks.range("the number of references", references.size(), 1, MAX_REFERENCES);
    references.forEach(reference -> expectLatentShape("reference latents", reference));
    spec.referenceLatents(
        together(references),
        references.size(),
        info.latentChannels(),
        info.latentHeight(),
        info.latentWidth());
  }

  /** {@code [R, c, h, w]}: several lie one after the other only in a copy. */
  private static FloatBuffer together(List<Latents> references) {
    if (references.size() == 1) {
      return references.get(0).values();
    }
    FloatBuffer values =
        DirectMemory.floats(references.size() * references.get(0).values().limit());
    references.forEach(reference -> values.put(reference.values()));
    return values.flip();
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
            .latents(latents.values(), latents.shape());
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
    return jobs.run(spec, new JobRun<>(outputs -> outputs, 0, 1), listener, cancellation);
  }

  /** Checks the image tokens of a picture, {@code [N]}. */
  void checkTokens(int[] tokens) {
    checkTokens(IntBuffer.wrap(tokens));
  }

  private void checkTokens(IntBuffer tokens) {
    if (tokens.limit() != info.imageTokens()) {
      throw new InvalidRequestException(
          "a picture of this model has "
              + info.imageTokens()
              + " image tokens, but "
              + tokens.limit()
              + " were given");
    }
    for (int i = 0; i < tokens.limit(); i++) {
      if (tokens.get(i) < 0 || tokens.get(i) >= info.imageCodes()) {
        throw new InvalidRequestException(
            "image tokens must be in [0, "
                + info.imageCodes()
                + "), but token "
                + i
                + " is "
                + tokens.get(i));
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
