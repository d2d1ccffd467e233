package dev.blip3o;

import dev.blip3o.Trace.NamedTensor;
import dev.blip3o.internal.JobOutputs;
import dev.blip3o.internal.JobSpec;
import dev.blip3o.internal.JobStage;
import dev.blip3o.internal.JobValue;
import dev.blip3o.internal.NativeHandle;
import dev.blip3o.internal.NativeModel;
import dev.blip3o.internal.PromptTokenizer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

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
 * <p>Threads: any thread may call any method, many at once. Requests are queued in the model and
 * run in the order of their arrival; the calling thread waits and hears the progress. {@link
 * #close} cancels what is queued or running and waits for it. An interrupt of a waiting thread
 * cancels its request, which then throws {@link GenerationCancelledException}; the interrupt flag
 * stays set.
 *
 * <p>Errors: subclasses of {@link Blip3oException}, each with one sentence; {@link
 * IllegalStateException} after {@link #close}.
 */
public final class Blip3oModel implements AutoCloseable {
  private final NativeHandle handle;
  private final NativeModel model;
  private final ModelStages stages;

  private Blip3oModel(NativeModel model, PromptTokenizer tokenizer) {
    this.model = model;
    this.handle = new NativeHandle("the model", () -> free(model, tokenizer));
    this.stages = new ModelStages(handle, model, tokenizer);
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
   * @throws UnsupportedException if the checkpoint is valid, but not what this build can run
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
      return new Blip3oModel(model, join(tokenizer));
    } catch (RuntimeException | Error e) {
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
   * Makes the request's {@code count} pictures, one after the other, and waits for them. Picture k
   * (from 0) has the seed {@code seed + k}: it is the picture that a request of that seed alone
   * gives.
   *
   * <p>{@link ProgressListener#onPicture} has each picture as soon as it is finished, so that those
   * made before a failure or a cancellation are not lost.
   *
   * <p>Errors are those of {@link #generate(ImageRequest, ProgressListener, CancellationToken)}.
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
    Objects.requireNonNull(request, "request");
    Objects.requireNonNull(listener, "listener");
    Objects.requireNonNull(cancellation, "cancellation");
    return handle.use(
        () -> {
          Stopwatch watch = new Stopwatch();
          Requests.check(request, capabilities(), info().directory());
          request.tokens().ifPresent(stages::checkTokens);
          PictureRequest resolved = Requests.resolve(request, info());
          int[] prompt = stages.promptIds(request.prompt(), request.pictures().size());
          Duration tokenizing = watch.elapsed();
          List<GeneratedImage> images = new ArrayList<>();
          for (int k = 0; k < request.count(); k++) {
            JobProgress progress =
                new JobProgress(handle, listener, cancellation, k, request.count());
            GeneratedImage image =
                draw(prompt, Requests.picture(resolved, k), progress, watch, tokenizing);
            images.add(image);
            listener.onPicture(k, image);
            watch = new Stopwatch();
            tokenizing = Duration.ZERO;
          }
          return List.copyOf(images);
        });
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
    return handle.use(
        () -> {
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
                      edit ? JobStage.REFERENCES : JobStage.TOKENS,
                      JobStage.PIXELS,
                      Traces.values(edit))
                  .prompt(prompt)
                  .noise(noise.array(), noise.shape())
                  .sampling(0, 0, 1)
                  .flow(
                      request.steps().orElse(info().defaultSteps()),
                      request.guidance().orElse(info().defaultGuidance()));
          Requests.references(spec, references);
          JobProgress progress = new JobProgress(handle, listener, cancellation, 0, 1);
          JobOutputs outputs = model.run(spec, progress);
          List<NamedTensor> tensors =
              Traces.tensors(prompt, info().imageTokenFirst(), noise, outputs);
          return new Trace(tensors, watch.timings(outputs, tokenizing));
        });
  }

  /**
   * Reports as JSON what a checkpoint holds, also one that would not open: parts, tensors, sizes,
   * what is missing, malformed or unused.
   *
   * @param directory the checkpoint
   * @param diffusionDirectory the diffusers directory; empty: from the checkpoint's configuration
   * @param scanValues also reads every weight and reports NaN and infinity
   * @throws CheckpointException if {@code directory} is no readable directory
   * @throws NativeLibraryException if the native library is missing
   */
  public static String inspect(
      Path directory, Optional<Path> diffusionDirectory, boolean scanValues) {
    Objects.requireNonNull(directory, "directory");
    Objects.requireNonNull(diffusionDirectory, "diffusionDirectory");
    return NativeModel.inspect(directory, diffusionDirectory, scanValues);
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
   * Cancels what is queued or running, waits until it has ended (at most about 50 ms plus one
   * token, step, layer of a prefill or part of an autoencoder) and frees the model. A second call
   * has no effect. From within a listener of this model it does not wait: the model is freed when
   * the calls in flight have left.
   */
  @Override
  public void close() {
    handle.close();
  }

  private GeneratedImage draw(
      int[] prompt,
      PictureRequest request,
      JobProgress progress,
      Stopwatch watch,
      Duration tokenizing) {
    JobSpec spec = Requests.spec(request, prompt, JobValue.TOKENS, JobValue.PIXELS);
    JobOutputs outputs = model.run(spec, progress);
    return new GeneratedImage(
        ModelStages.pixels(outputs),
        request,
        outputs.ints(JobValue.TOKENS),
        watch.timings(outputs, tokenizing));
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

  private static void free(NativeModel model, PromptTokenizer tokenizer) {
    try {
      model.close();
    } finally {
      tokenizer.close();
    }
  }
}
