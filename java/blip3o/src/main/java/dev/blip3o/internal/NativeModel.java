package dev.blip3o.internal;

import dev.blip3o.Capabilities;
import dev.blip3o.Compute;
import dev.blip3o.Device;
import dev.blip3o.LanguageModelConfig;
import dev.blip3o.ModelInfo;
import dev.blip3o.ModelMetrics;
import dev.blip3o.ModelOptions;
import dev.blip3o.Quantization;
import dev.blip3o.WeightTensor;
import dev.blip3o.WeightType;
import dev.blip3o.bindings.Blip3o;
import dev.blip3o.bindings.blip3o_error;
import dev.blip3o.bindings.blip3o_job;
import dev.blip3o.bindings.blip3o_language_config;
import dev.blip3o.bindings.blip3o_metrics;
import dev.blip3o.bindings.blip3o_model;
import dev.blip3o.bindings.blip3o_model_info;
import dev.blip3o.bindings.blip3o_model_options;
import dev.blip3o.bindings.blip3o_named_tensor;
import dev.blip3o.bindings.blip3o_request;
import dev.blip3o.bindings.blip3o_tensor;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * An open native model. Safe for use by any thread until {@link #close}, which must be the last
 * call: {@link NativeHandle} and {@link EventDispatcher} see to that.
 */
public final class NativeModel {
  private final blip3o_model model;
  private final ModelInfo info;
  private final Capabilities capabilities;

  private NativeModel(blip3o_model model, Path directory) {
    this.model = model;
    try (NativeScope scope = new NativeScope()) {
      blip3o_model_info description = scope.own(new blip3o_model_info());
      Blip3o.blip3o_model_describe(model, description);
      this.info = info(directory, description, scope);
      this.capabilities =
          new Capabilities(
              sentence(description.reference_tokens_lack()),
              sentence(description.reference_latents_lack()),
              sentence(description.editing_lacks()));
    }
  }

  /** Opens the checkpoint in {@code directory}. */
  public static NativeModel open(Path directory, ModelOptions options) {
    NativeLibrary.load();
    try (NativeScope scope = new NativeScope()) {
      blip3o_model_options nativeOptions = copy(options, scope);
      blip3o_model model = new blip3o_model((Pointer) null);
      blip3o_error error = scope.own(new blip3o_error());
      check(
          Blip3o.blip3o_model_open(scope.text(directory.toString()), nativeOptions, model, error),
          error);
      NativeModel opened = new NativeModel(model, directory);
      ModelInfo info = opened.info;
      info.deviceReason().ifPresent(reason -> Fallback.tell(info.device(), reason));
      return opened;
    }
  }

  private static blip3o_model_options copy(ModelOptions options, NativeScope scope) {
    blip3o_model_options copy = scope.own(new blip3o_model_options());
    Blip3o.blip3o_model_options_default(copy);
    options
        .diffusionDirectory()
        .ifPresent(path -> copy.diffusion_directory(scope.text(path.toString())));
    if (options.device() != Device.CPU && hasBackend(Device.CUDA)) {
      ProductLibrary.directory(NativeModel.class.getClassLoader())
          .ifPresent(path -> copy.product_library_directory(scope.text(path.toString())));
    }
    return copy.threads(options.threads())
        .compute(options.compute().ordinal())
        .device(options.device().ordinal())
        .quantization(bits(options.quantization()))
        .memory_limit_bytes(options.memoryLimitBytes())
        .queue_limit(options.queueLimit())
        .latency_target_millis((int) Durations.millis(options.latencyTarget()));
  }

  /** Reports as JSON what a checkpoint holds. */
  public static String inspect(Path directory, ModelOptions options, boolean scanValues) {
    NativeLibrary.load();
    try (NativeScope scope = new NativeScope()) {
      PointerPointer<BytePointer> report = scope.own(new PointerPointer<>(1));
      blip3o_error error = scope.own(new blip3o_error());
      check(
          Blip3o.blip3o_checkpoint_inspect(
              scope.text(directory.toString()),
              copy(options, scope),
              scanValues ? 1 : 0,
              report,
              error),
          error);
      BytePointer text = report.get(BytePointer.class, 0);
      try {
        return NativeScope.string(text);
      } finally {
        Blip3o.blip3o_string_free(text);
      }
    }
  }

  /** Whether the native library has the backend of {@code device}, whatever the machine has. */
  public static boolean hasBackend(Device device) {
    NativeLibrary.load();
    return Blip3o.blip3o_has_backend(device.ordinal()) != 0;
  }

  /** The library's version. */
  public static String version() {
    NativeLibrary.load();
    return NativeScope.string(Blip3o.blip3o_version());
  }

  /** Standard normal noise of a seed, in direct memory. */
  public static FloatBuffer noise(long seed, int count) {
    NativeLibrary.load();
    FloatBuffer values = DirectMemory.floats(count);
    Blip3o.blip3o_noise_fill(seed, values, count);
    return values;
  }

  /** What the model is. */
  public ModelInfo info() {
    return info;
  }

  /** What the model can do beyond text to image. */
  public Capabilities capabilities() {
    return capabilities;
  }

  /** How the language model is shaped. */
  public LanguageModelConfig languageConfig() {
    try (NativeScope scope = new NativeScope()) {
      blip3o_language_config config = scope.own(new blip3o_language_config());
      Blip3o.blip3o_model_language_config(model, config);
      return new LanguageModelConfig(
          config.vocabulary_size(),
          config.hidden_size(),
          config.intermediate_size(),
          config.layers(),
          config.heads(),
          config.kv_heads(),
          config.head_dim(),
          config.max_positions(),
          config.tied_embeddings() != 0,
          config.rms_norm_eps(),
          config.rope_theta());
    }
  }

  /** The names of the language model's tensors. */
  public List<String> languageTensorNames() {
    List<String> names = new ArrayList<>();
    try (NativeScope scope = new NativeScope()) {
      blip3o_named_tensor tensor = scope.own(new blip3o_named_tensor());
      long count = Blip3o.blip3o_model_language_tensor_count(model);
      for (long i = 0; i < count; i++) {
        Blip3o.blip3o_model_language_tensor(model, i, tensor);
        names.add(NativeScope.string(tensor.name()));
      }
    }
    return List.copyOf(names);
  }

  /** Copies tensor {@code index} of the language model to direct memory. */
  public WeightTensor copyLanguageTensor(int index) {
    try (NativeScope scope = new NativeScope()) {
      blip3o_named_tensor named = scope.own(new blip3o_named_tensor());
      Blip3o.blip3o_model_language_tensor(model, index, named);
      blip3o_tensor tensor = named.tensor();
      WeightType type = WeightType.values()[tensor.dtype()];
      long[] shape = new long[tensor.rank()];
      long size = type.bytes();
      for (int i = 0; i < shape.length; i++) {
        shape[i] = tensor.shape(i);
        size = Math.multiplyExact(size, shape[i]);
      }
      ByteBuffer copy = ByteBuffer.allocateDirect(Math.toIntExact(size));
      copy.put(new BytePointer(tensor.data()).capacity(size).asByteBuffer()).flip();
      return new WeightTensor(NativeScope.string(named.name()), type, copy, shape);
    }
  }

  /** Puts copies of tensors in place of the language model's; the new version's number. */
  public long updateLanguageModel(List<WeightTensor> tensors) {
    try (NativeScope scope = new NativeScope()) {
      blip3o_named_tensor named = scope.own(new blip3o_named_tensor(Math.max(1, tensors.size())));
      for (int i = 0; i < tensors.size(); i++) {
        scope.fill(named.getPointer(i), tensors.get(i));
      }
      LongPointer version = scope.own(new LongPointer(1));
      blip3o_error error = scope.own(new blip3o_error());
      check(
          Blip3o.blip3o_model_update_language_model(model, named, tensors.size(), version, error),
          error);
      return version.get();
    } finally {
      Reference.reachabilityFence(tensors); // The call has read their memory where it is.
    }
  }

  /** What the model has done and holds. */
  public ModelMetrics metrics() {
    try (NativeScope scope = new NativeScope()) {
      blip3o_metrics metrics = scope.own(new blip3o_metrics());
      Blip3o.blip3o_model_metrics(model, metrics);
      return NativeMetrics.copy(metrics);
    }
  }

  /** Cancels what runs, waits for that and frees the model. Call once. */
  public void close() {
    Blip3o.blip3o_model_close(model);
  }

  /** Throws the exception of a status that is not OK. */
  static void check(int status, blip3o_error error) {
    if (status != Blip3o.BLIP3O_OK) {
      throw StatusExceptions.of(
          status, NativeScope.string(error.message()), error.retry_after_millis());
    }
  }

  /** Submits a job that {@link #nextReady} calls {@code tag}, which is not 0. */
  NativeJob submit(JobSpec spec, long tag) {
    try (NativeScope scope = new NativeScope()) {
      blip3o_request request = scope.own(new blip3o_request());
      fill(request, spec, scope);
      request.tag(tag);
      blip3o_job job = new blip3o_job((Pointer) null);
      blip3o_error error = scope.own(new blip3o_error());
      check(Blip3o.blip3o_model_submit(model, request, job, error), error);
      return new NativeJob(job);
    } finally {
      Reference.reachabilityFence(spec); // The call has read its direct memory where it is.
    }
  }

  /**
   * Waits for a job with events to read.
   *
   * @param tag room for one value
   * @return the job's tag; 0 after {@link #wake}
   */
  long nextReady(LongPointer tag) {
    return Blip3o.blip3o_model_next_ready(model, -1, tag) != 0 ? tag.get() : 0;
  }

  /** Ends one wait of {@link #nextReady}. */
  void wake() {
    Blip3o.blip3o_model_wake(model);
  }

  private void fill(blip3o_request request, JobSpec spec, NativeScope scope) {
    Blip3o.blip3o_request_default(model, request);
    request.first_stage(spec.first.ordinal()).last_stage(spec.last.ordinal());
    int outputs = 0;
    for (JobValue value : spec.outputs) {
      outputs |= 1 << value.ordinal();
    }
    request.outputs(outputs);
    if (spec.prompt != null) {
      request.prompt(scope.ints(spec.prompt)).prompt_length(spec.prompt.length);
    }
    if (spec.tokens != null) {
      scope.fill(request.tokens(), spec.tokens);
    }
    fill(request.hidden_states(), spec.hiddenStates, scope);
    fill(request.condition(), spec.condition, scope);
    fill(request.null_condition(), spec.nullCondition, scope);
    fill(request.noise(), spec.noise, scope);
    fill(request.latents(), spec.latents, scope);
    fillPictures(request, spec, scope);
    fillNumbers(request, spec);
  }

  private static void fill(blip3o_tensor target, JobSpec.Input input, NativeScope scope) {
    if (input != null) {
      scope.fill(target, input.values(), input.shape());
    }
  }

  private static void fillPictures(blip3o_request request, JobSpec spec, NativeScope scope) {
    if (!spec.references.isEmpty()) {
      blip3o_tensor references = scope.own(new blip3o_tensor(spec.references.size()));
      for (int i = 0; i < spec.references.size(); i++) {
        fill(references.getPointer(i), spec.references.get(i), scope);
      }
      request.references(references).reference_count(spec.references.size());
    }
    fill(request.reference_latents(), spec.referenceLatents, scope);
    fill(request.initial(), spec.initial, scope);
    fill(request.initial_latents(), spec.initialLatents, scope);
    fill(request.mask(), spec.mask, scope);
  }

  private static void fill(blip3o_tensor target, JobSpec.Picture picture, NativeScope scope) {
    if (picture != null) {
      scope.fill(target, picture.samples(), picture.shape());
    }
  }

  private static void fillNumbers(blip3o_request request, JobSpec spec) {
    if (spec.seed != null) {
      request.seed(spec.seed);
    }
    if (spec.temperature != null) {
      request.temperature(spec.temperature).top_k(spec.topK).top_p(spec.topP);
    }
    if (spec.steps != null) {
      request.steps(spec.steps).guidance(spec.guidance);
    }
    if (spec.strength != null) {
      request.strength(spec.strength);
    }
    request
        .priority(spec.priority)
        .deadline_millis(spec.deadlineMillis)
        .preview_steps(spec.previewSteps);
  }

  private ModelInfo info(Path directory, blip3o_model_info info, NativeScope scope) {
    blip3o_request defaults = scope.own(new blip3o_request());
    Blip3o.blip3o_request_default(model, defaults);
    return new ModelInfo(
        directory,
        info.image_tokens(),
        info.image_codes(),
        info.image_token_first(),
        info.image_start_tag(),
        info.scale_start(),
        info.vocabulary_size(),
        info.max_prompt_length(),
        info.hidden_size(),
        info.caption_size(),
        info.latent_channels(),
        info.latent_height(),
        info.latent_width(),
        info.picture_height(),
        info.picture_width(),
        defaults.steps(),
        decimal(defaults.guidance()),
        decimal(defaults.temperature()),
        defaults.top_k(),
        decimal(defaults.top_p()),
        info.threads(),
        Compute.values()[info.compute()],
        Device.values()[info.device()],
        sentence(info.device_reason()),
        quantization(info.quantization()),
        info.weight_bytes(),
        NativeScope.string(info.weight_dtype()),
        NativeScope.string(info.backend()));
  }

  /** The bit of each part is its ordinal's. */
  static int bits(Set<Quantization> quantization) {
    int bits = 0;
    for (Quantization part : quantization) {
      bits |= 1 << part.ordinal();
    }
    return bits;
  }

  private static Set<Quantization> quantization(int bits) {
    Set<Quantization> parts = EnumSet.noneOf(Quantization.class);
    for (Quantization part : Quantization.values()) {
      if ((bits & 1 << part.ordinal()) != 0) {
        parts.add(part);
      }
    }
    return Set.copyOf(parts);
  }

  private static Optional<String> sentence(BytePointer sentence) {
    return Optional.of(NativeScope.string(sentence)).filter(text -> !text.isEmpty());
  }

  /** The double of the float's own decimal text: 0.95f as 0.95. It is the same float again. */
  private static double decimal(float value) {
    return Double.parseDouble(Float.toString(value));
  }
}
