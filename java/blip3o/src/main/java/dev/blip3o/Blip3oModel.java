package dev.blip3o;

import dev.blip3o.internal.EventDispatcher;
import dev.blip3o.internal.JobSpec;
import dev.blip3o.internal.JobStage;
import dev.blip3o.internal.NativeHandle;
import dev.blip3o.internal.NativeModel;
import dev.blip3o.internal.PromptTokenizer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ForkJoinPool;

/**
 * An open checkpoint that draws and edits pictures.
 *
 * <p>Right: open once, share, close when nobody needs it any more.
 *
 * <pre>{@code
 * try (Blip3oModel model = Blip3oModel.open(Path.of("weights/demo"))) {
 *   GeneratedImage image = model.generate(ImageRequest.of("a red circle"));
 *   image.writePng(Path.of("picture.png"));
 * }
 * }</pre>
 *
 * <p>Wrong: a model per request. It maps the weights and loads the tokenizer anew each time, and
 * one that is never closed keeps its memory and its threads until the garbage collector happens to
 * find it.
 *
 * <pre>{@code
 * GeneratedImage draw(String prompt) {
 *   return Blip3oModel.open(directory).generate(ImageRequest.of(prompt)); // opened for one picture, never closed
 * }
 * }</pre>
 *
 * <p>Threads: any thread may call any method, many at once, virtual threads too. Requests of all
 * threads run beside each other and share the weights and the processors; a picture does not depend
 * on its company. Requests are started by {@link PictureRequest#priority priority}, then in the
 * order of their arrival, each as soon as there is memory for it. {@link #submit} returns at once
 * with a {@link PictureJob}; the other methods are built on it: the calling thread waits and hears
 * the progress. {@link #close} cancels what is queued or running and waits for it. An interrupt of
 * a waiting thread cancels its request, which then throws {@link GenerationCancelledException}; the
 * interrupt flag stays set.
 *
 * <pre>{@code
 * model.submit(ImageRequest.of("a red circle")).result()
 *     .thenAccept(image -> image.writePng(Path.of("picture.png")));
 * }</pre>
 *
 * <p>Errors: subclasses of {@link Blip3oException}, each with one sentence; {@link
 * IllegalStateException} after {@link #close}.
 */
public final class Blip3oModel implements AutoCloseable {
  private final NativeHandle handle;
  private final NativeModel model;
  private final Jobs jobs;
  private final ModelStages stages;
  private final Callbacks callbacks;

  private Blip3oModel(NativeModel model, PromptTokenizer tokenizer, ModelOptions options) {
    this.model = model;
    EventDispatcher dispatcher = new EventDispatcher(model);
    this.handle = new NativeHandle("the model", () -> dispatcher.stop(tokenizer::close));
    this.jobs = new Jobs(handle, dispatcher);
    this.stages = new ModelStages(handle, model, jobs, tokenizer);
    this.callbacks = new Callbacks(options.executor().orElseGet(ForkJoinPool::commonPool));
  }

  /** {@link #open(Path, ModelOptions)} with the defaults. */
  public static Blip3oModel open(Path directory) {
    return open(directory, ModelOptions.defaults());
  }

  /**
   * Opens the checkpoint in {@code directory}, which has the layout of {@code save_pretrained}.
   * Maps the weights, checks every tensor's name, shape and dtype, and loads the tokenizer
   * meanwhile.
   *
   * @throws CheckpointException if a file is missing or malformed
   * @throws InvalidRequestException if an option does not fit the checkpoint
   * @throws UnsupportedException if the checkpoint is valid, but not what this build can run, or
   *     the options ask for a device that is not there
   * @throws InsufficientMemoryException if the memory needed is above the limit
   * @throws NativeLibraryException if the native library is missing
   */
  public static Blip3oModel open(Path directory, ModelOptions options) {
    Objects.requireNonNull(directory, "directory");
    Objects.requireNonNull(options, "options");
    CompletableFuture<PromptTokenizer> tokenizer = loadTokenizer(directory);
    NativeModel model;
    try {
      model = NativeModel.open(directory, options);
    } catch (RuntimeException | Error e) {
      tokenizer.thenAccept(PromptTokenizer::close);
      throw e;
    }
    try {
      return new Blip3oModel(model, join(tokenizer), options);
    } catch (RuntimeException | Error e) {
      tokenizer.thenAccept(PromptTokenizer::close);
      model.close();
      throw e;
    }
  }

  /** What the model is and what it takes. Also after {@link #close}. */
  public ModelInfo info() {
    return model.info();
  }

  /** What the checkpoint can do beyond text to image. Also after {@link #close}. */
  public Capabilities capabilities() {
    return stages.capabilities();
  }

  /** The same work stage by stage. */
  public Stages stages() {
    return stages;
  }

  /** {@link #generate(ImageRequest, ProgressListener, CancellationToken)} without either. */
  public GeneratedImage generate(ImageRequest request) {
    return generate(request, ProgressListener.NONE);
  }

  /** {@link #generate(ImageRequest, ProgressListener, CancellationToken)} without cancellation. */
  public GeneratedImage generate(ImageRequest request, ProgressListener listener) {
    return generate(request, listener, new CancellationToken());
  }

  /**
   * Makes one picture and waits for it.
   *
   * @param request what to draw; its count must be 1
   * @param listener hears the progress, on the calling thread
   * @param cancellation ends the request early
   * @throws InvalidRequestException if the request can't be served: a prompt too long for the
   *     model, tokens that are not the model's, or a count other than 1
   * @throws UnsupportedException if the request starts from a picture, but the checkpoint lacks the
   *     weights for that
   * @throws InsufficientMemoryException if the request needs more memory than allowed
   * @throws QueueFullException if as many requests wait as may
   * @throws DeadlineExceededException if the request has a deadline and did not end before it
   * @throws NumericException if a stage yields NaN or infinity
   * @throws GenerationCancelledException if it was cancelled
   */
  public GeneratedImage generate(
      ImageRequest request, ProgressListener listener, CancellationToken cancellation) {
    Requests.single(request, "generate", "; use generateAll");
    return generateAll(request, listener, cancellation).get(0);
  }

  /** {@link #generateAll(ImageRequest, ProgressListener, CancellationToken)} without either. */
  public List<GeneratedImage> generateAll(ImageRequest request) {
    return generateAll(request, ProgressListener.NONE);
  }

  /**
   * {@link #generateAll(ImageRequest, ProgressListener, CancellationToken)} without cancellation.
   */
  public List<GeneratedImage> generateAll(ImageRequest request, ProgressListener listener) {
    return generateAll(request, listener, new CancellationToken());
  }

  /**
   * Makes the request's {@code count} pictures and waits for them. Picture k (from 0) has the seed
   * {@code seed + k}: it is the picture that a request of that seed alone gives. A few of them, at
   * most 8, are on their way at once; {@link Progress#picture} tells whose progress it is.
   *
   * <p>{@link ProgressListener#onPicture} has each picture as soon as it and those before it are
   * finished, so that those made before a failure or a cancellation are not lost.
   *
   * <p>Errors are those of {@link #generate(ImageRequest, ProgressListener, CancellationToken)}. A
   * queue that fills up meanwhile is none: the request goes on when one of its own pictures is
   * finished.
   */
  public List<GeneratedImage> generateAll(
      ImageRequest request, ProgressListener listener, CancellationToken cancellation) {
    return drawAll(request, listener, cancellation);
  }

  /** {@link #edit(EditRequest, ProgressListener, CancellationToken)} without either. */
  public GeneratedImage edit(EditRequest request) {
    return edit(request, ProgressListener.NONE);
  }

  /** {@link #edit(EditRequest, ProgressListener, CancellationToken)} without cancellation. */
  public GeneratedImage edit(EditRequest request, ProgressListener listener) {
    return edit(request, listener, new CancellationToken());
  }

  /**
   * Edits the request's reference pictures into one picture and waits for it. A reference that was
   * seen lately, for example under another instruction, is not encoded again.
   *
   * @param request what to change; its count must be 1
   * @param listener hears the progress, on the calling thread
   * @param cancellation ends the request early
   * @throws UnsupportedException if the checkpoint can't edit; {@link #capabilities} says so before
   * @throws InvalidRequestException if the request can't be served: an instruction that is too long
   *     beside the references' tokens, tokens that are not the model's, or a count other than 1
   * @throws InsufficientMemoryException if the request needs more memory than allowed
   * @throws QueueFullException if as many requests wait as may
   * @throws DeadlineExceededException if the request has a deadline and did not end before it
   * @throws NumericException if a stage yields NaN or infinity
   * @throws GenerationCancelledException if it was cancelled
   */
  public GeneratedImage edit(
      EditRequest request, ProgressListener listener, CancellationToken cancellation) {
    Requests.single(request, "edit", "; use editAll");
    return editAll(request, listener, cancellation).get(0);
  }

  /** {@link #editAll(EditRequest, ProgressListener, CancellationToken)} without either. */
  public List<GeneratedImage> editAll(EditRequest request) {
    return editAll(request, ProgressListener.NONE);
  }

  /** {@link #editAll(EditRequest, ProgressListener, CancellationToken)} without cancellation. */
  public List<GeneratedImage> editAll(EditRequest request, ProgressListener listener) {
    return editAll(request, listener, new CancellationToken());
  }

  /**
   * Makes the request's {@code count} edits as {@link #generateAll(ImageRequest, ProgressListener,
   * CancellationToken)} makes its pictures. Errors are those of {@link #edit(EditRequest,
   * ProgressListener, CancellationToken)}.
   */
  public List<GeneratedImage> editAll(
      EditRequest request, ProgressListener listener, CancellationToken cancellation) {
    return drawAll(request, listener, cancellation);
  }

  private List<GeneratedImage> drawAll(
      PictureRequest request, ProgressListener listener, CancellationToken cancellation) {
    Objects.requireNonNull(listener, "listener");
    Objects.requireNonNull(cancellation, "cancellation");
    PictureJobs pictures = jobsOf(request);
    try (Waiter waiter = new Waiter(cancellation)) {
      return new PictureWindow(pictures, listener, waiter).run();
    }
  }

  /**
   * Submits one picture and returns at once; what blocks is only the check of the request, the
   * encoding of its prompt and the resizing of its pictures.
   *
   * @param request what to draw or to edit; its count must be 1
   * @return the picture on its way; failures of the work itself come through it
   * @throws QueueFullException if as many requests wait as may
   * @throws InvalidRequestException if the request can't be served, as {@link
   *     #generate(ImageRequest, ProgressListener, CancellationToken)} says, or its count is not 1
   * @throws UnsupportedException if the checkpoint lacks what the request needs
   * @throws InsufficientMemoryException if the request needs more memory than allowed
   */
  public PictureJob submit(PictureRequest request) {
    Requests.single(request, "submit", "; use submitAll");
    return submitAll(request).get(0);
  }

  /**
   * Submits the request's {@code count} pictures and returns at once. Picture k (from 0) has the
   * seed {@code seed + k}. All are taken or none: where the queue has no place for one, those
   * before it are cancelled.
   *
   * <p>Errors are those of {@link #submit}.
   *
   * @return the pictures on their way, in the order of their seeds
   */
  public List<PictureJob> submitAll(PictureRequest request) {
    PictureJobs pictures = jobsOf(request);
    List<PictureJob> submitted = new ArrayList<>();
    try {
      for (int k = 0; k < pictures.count(); k++) {
        submitted.add(pictures.submit(k, callbacks));
      }
    } catch (RuntimeException | Error e) {
      submitted.forEach(PictureJob::cancel);
      throw e;
    }
    return List.copyOf(submitted);
  }

  private PictureJobs jobsOf(PictureRequest request) {
    Objects.requireNonNull(request, "request");
    return handle.use(() -> new PictureJobs(request, stages, info(), jobs));
  }

  /** The language model's weights as the checkpoint holds them. */
  public LanguageModelWeights languageModelWeights() {
    return handle.use(() -> new LanguageModelWeights(handle, model));
  }

  /**
   * Puts copies of {@code tensors} in place of the language model's weights, between requests:
   * those that begin from now on draw with them, those that have begun go on with what they have,
   * and none sees two versions. {@link GeneratedImage#languageModelVersion} tells which one made a
   * picture. On a failure everything stays as it was.
   *
   * <p>Waits for the copy, and for other updates. While it runs, and for as long as a request of an
   * older version does, both take memory: on a CUDA device its own, of what {@link
   * ModelOptions#memoryLimitBytes} allows there, and the host's only during the call.
   *
   * @param tensors every tensor of {@link LanguageModelWeights#names} once, in any order, of its
   *     shape; finite; read during the call
   * @return the version's number: 1 is the first
   * @throws InvalidRequestException if a tensor is missing, unknown, given twice, of another shape
   *     or not finite, by its name
   * @throws InsufficientMemoryException if the memory limit leaves no room for a second version, on
   *     a CUDA device in one piece
   * @throws DeviceLostException if the CUDA device is lost
   * @throws IllegalStateException if the model is closed
   */
  public long updateLanguageModel(List<WeightTensor> tensors) {
    List<WeightTensor> all = List.copyOf(tensors);
    return handle.use(() -> model.updateLanguageModel(all));
  }

  /**
   * What the model has done since it was opened, and what it holds now. Cheap: meant to be read
   * every second.
   */
  public ModelMetrics metrics() {
    return handle.use(model::metrics);
  }

  /** {@link #trace(TraceRequest, ProgressListener, CancellationToken)} without either. */
  public Trace trace(TraceRequest request) {
    return trace(request, ProgressListener.NONE, new CancellationToken());
  }

  /**
   * Runs all stages greedily (temperature 0) from the given noise and keeps every tensor. For
   * parity, open the model with {@link Compute#F32}.
   *
   * <p>Errors are those of {@link #generate(ImageRequest, ProgressListener, CancellationToken)} and
   * {@link #edit(EditRequest, ProgressListener, CancellationToken)}, and {@link
   * InvalidRequestException} if the noise's shape is not the model's.
   */
  public Trace trace(
      TraceRequest request, ProgressListener listener, CancellationToken cancellation) {
    Objects.requireNonNull(request, "request");
    Objects.requireNonNull(listener, "listener");
    Objects.requireNonNull(cancellation, "cancellation");
    Stopwatch watch = new Stopwatch();
    Noise noise = request.noise();
    stages.expectLatentShape("noise", noise);
    List<InputImage> references = request.references();
    boolean edit = !references.isEmpty();
    if (edit) {
      stages.require(capabilities().editingLacks());
    }
    int[] prompt = stages.promptIds(request.prompt(), references.size());
    Duration tokenizing = watch.elapsed();
    JobSpec spec =
        new JobSpec(
                edit ? JobStage.REFERENCES : JobStage.TOKENS, JobStage.PIXELS, Traces.values(edit))
            .prompt(prompt)
            .noise(noise.values(), noise.shape())
            .sampling(0, 0, 1)
            .flow(
                request.steps().orElse(info().defaultSteps()),
                request.guidance().orElse(info().defaultGuidance()));
    Requests.references(spec, references);
    JobRun<Trace> run =
        new JobRun<>(
            outputs ->
                new Trace(
                    Traces.tensors(prompt, info().imageTokenFirst(), noise, outputs),
                    watch.timings(outputs, tokenizing)),
            0,
            1);
    return jobs.run(spec, run, listener, cancellation);
  }

  /**
   * Reports as JSON what a checkpoint holds, also one that would not open: parts, tensors, sizes,
   * what is missing, malformed or unused; and where the options name a {@linkplain
   * ModelOptions#device device}, what memory the model and its requests will take on it, whether or
   * not this machine has one.
   *
   * @param directory the checkpoint
   * @param options how it would be opened
   * @param scanValues also reads every weight and reports NaN and infinity
   * @throws CheckpointException if {@code directory} is no readable directory
   * @throws UnsupportedException if the native library lacks the backend of the device
   * @throws NativeLibraryException if the native library is missing
   */
  public static String inspect(Path directory, ModelOptions options, boolean scanValues) {
    Objects.requireNonNull(directory, "directory");
    Objects.requireNonNull(options, "options");
    return NativeModel.inspect(directory, options, scanValues);
  }

  /**
   * Whether the native library has the backend of {@code device}, whatever this machine has.
   *
   * @throws NativeLibraryException if the native library is missing
   */
  public static boolean hasBackend(Device device) {
    Objects.requireNonNull(device, "device");
    return NativeModel.hasBackend(device);
  }

  /**
   * The native library's version, for example {@code "0.1.0"}.
   *
   * @throws NativeLibraryException if the native library is missing
   */
  public static String version() {
    return NativeModel.version();
  }

  /**
   * Cancels what is queued or running, waits until it has ended (at most one token, step, layer of
   * a prefill or part of an autoencoder) and frees the model. Calls that wait throw {@link
   * GenerationCancelledException}; so end the jobs that were submitted. Safe also within a callback
   * of this model. A second call has no effect.
   *
   * <p>A model that was never closed is freed when it, its jobs and what hangs on them are
   * forgotten; a job that has not ended is not forgotten.
   */
  @Override
  public void close() {
    handle.close();
  }

  /** On a thread of its own, so that it overlaps with opening the native model. */
  private static CompletableFuture<PromptTokenizer> loadTokenizer(Path directory) {
    CompletableFuture<PromptTokenizer> result = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                result.complete(PromptTokenizer.load(directory));
              } catch (Throwable e) { // Whatever it is, the opening thread throws it.
                result.completeExceptionally(e);
              }
            },
            "blip3o-tokenizer");
    thread.setDaemon(true);
    thread.start();
    return result;
  }

  private static PromptTokenizer join(CompletableFuture<PromptTokenizer> tokenizer) {
    try {
      return tokenizer.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw e;
    }
  }
}
