package dev.blip3o.langchain4j;

import dev.blip3o.Blip3oModel;
import dev.blip3o.EditRequest;
import dev.blip3o.GeneratedImage;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.blip3o.ModelOptions;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.image.ImageModel;
import dev.langchain4j.model.output.Response;
import dev.langchain4j.model.output.TokenUsage;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A BLIP3o-NEXT model as LangChain4j's image model.
 *
 * <pre>{@code
 * try (Blip3oImageModel images = Blip3oImageModel.builder(Path.of("weights/demo")).build()) {
 *   Image circle = images.generate("a red circle").content();
 *   Image blue = images.edit(circle, "make the red circle blue").content();
 * }
 * }</pre>
 *
 * <p>Pictures come as PNG files in base64, which hold how they were made. Those to edit, and masks,
 * are given as base64 data or as {@code data:} URLs in base64, of files that {@link InputImage}
 * reads; no other address is fetched. A mask is a PNG with alpha of its picture's size: where it is
 * transparent the picture may change, where it is opaque it stays, to the pixel once it has the
 * model's size.
 *
 * <p>A response's token usage counts the prompt's tokens with their template and those of the
 * pictures to edit as input, and the drawn image tokens as output. Its metadata has {@link #SEEDS},
 * {@link #TOKENS} and {@link #TIMINGS}, each with an entry for every picture.
 *
 * <p>Threads: any thread may call any method, many at once, virtual threads too; their calls share
 * the model's batches. A call waits for its pictures on the calling thread; to interrupt it cancels
 * them.
 *
 * <p>Errors are LangChain4j's, with the library's as their cause: {@link
 * dev.langchain4j.exception.InvalidRequestException} for a text, a picture or an option that can't
 * be; {@link dev.langchain4j.exception.RateLimitException} where as many requests wait as may,
 * whose cause tells when to try again ({@link dev.blip3o.QueueFullException#retryAfter}); {@link
 * dev.langchain4j.exception.TimeoutException} for a passed deadline; {@link
 * dev.langchain4j.exception.UnsupportedFeatureException} for what the checkpoint or the build can't
 * do; {@link dev.langchain4j.exception.InternalServerException} where memory lacks; {@link
 * dev.langchain4j.exception.NonRetriableException} for what no other try mends: a lost device, a
 * cancelled call, NaN in a stage, a checkpoint that can't be used. {@link IllegalStateException}
 * after the library's model was closed.
 */
public final class Blip3oImageModel implements ImageModel, AutoCloseable {
  /**
   * Key of a response's metadata: the pictures' seeds, a {@code List<Long>}. A call with that seed
   * gives the picture again.
   */
  public static final String SEEDS = "seeds";

  /**
   * Key of a response's metadata: the pictures' image tokens, a {@code List<List<Integer>>}, for
   * {@link Blip3oImageOptions#tokens}.
   */
  public static final String TOKENS = "tokens";

  /**
   * Key of a response's metadata: where the pictures' time went, a {@code List} of {@link
   * dev.blip3o.Timings}.
   */
  public static final String TIMINGS = "timings";

  private static final Blip3oImageOptions NONE = Blip3oImageOptions.builder().build();

  private final Blip3oModel model;
  private final boolean owned;
  private final Blip3oImageOptions defaults;

  private Blip3oImageModel(Blip3oModel model, boolean owned, Blip3oImageOptions defaults) {
    this.model = model;
    this.owned = owned;
    this.defaults = defaults;
  }

  /** A builder upon an open model, which the caller closes: {@link #close} leaves it open. */
  public static Builder builder(Blip3oModel model) {
    Objects.requireNonNull(model, "model");
    return new Builder(() -> model, false);
  }

  /** {@link #builder(Path, ModelOptions)} with the defaults. */
  public static Builder builder(Path directory) {
    return builder(directory, ModelOptions.defaults());
  }

  /**
   * A builder that opens the checkpoint in {@code directory}, as {@link Blip3oModel#open(Path,
   * ModelOptions)} does; {@link #close} closes it.
   */
  public static Builder builder(Path directory, ModelOptions options) {
    Objects.requireNonNull(directory, "directory");
    Objects.requireNonNull(options, "options");
    return new Builder(() -> Blip3oModel.open(directory, options), true);
  }

  @Override
  public Response<Image> generate(String prompt) {
    return generate(prompt, NONE);
  }

  /** Makes a picture, with {@code options} before the model's defaults. */
  public Response<Image> generate(String prompt, Blip3oImageOptions options) {
    return first(generate(prompt, 1, options));
  }

  /** Makes {@code n} pictures, {@code [1, 10000]}; picture k (from 0) has the first's seed + k. */
  @Override
  public Response<List<Image>> generate(String prompt, int n) {
    return generate(prompt, n, NONE);
  }

  /** {@link #generate(String, int)} with {@code options} before the model's defaults. */
  public Response<List<Image>> generate(String prompt, int n, Blip3oImageOptions options) {
    Objects.requireNonNull(options, "options");
    return Failures.translated(
        () -> {
          ImageRequest.Builder request = ImageRequest.builder(prompt).count(n);
          options.over(defaults).set(request);
          ImageRequest built = request.build();
          int inputTokens = model.stages().prompt(prompt).length();
          return response(inputTokens, model.generateAll(built));
        });
  }

  @Override
  public Response<Image> edit(Image image, String prompt) {
    return edit(image, prompt, NONE);
  }

  /** Edits a picture, with {@code options} before the model's defaults. */
  public Response<Image> edit(Image image, String prompt, Blip3oImageOptions options) {
    return edit(List.of(Objects.requireNonNull(image, "image")), prompt, options);
  }

  /**
   * Edits several pictures into one, with {@code options} before the model's defaults.
   *
   * @param images 1 to 16 of them; the model sees them in their order
   */
  public Response<Image> edit(List<Image> images, String prompt, Blip3oImageOptions options) {
    return edit(images, prompt, options, request -> {});
  }

  @Override
  public Response<Image> edit(Image image, Image mask, String prompt) {
    return edit(image, mask, prompt, NONE);
  }

  /** Edits where the mask is transparent, with {@code options} before the model's defaults. */
  public Response<Image> edit(Image image, Image mask, String prompt, Blip3oImageOptions options) {
    List<Image> one = List.of(Objects.requireNonNull(image, "image"));
    return edit(one, prompt, options, request -> request.mask(Images.mask(mask)));
  }

  private Response<Image> edit(
      List<Image> images,
      String prompt,
      Blip3oImageOptions options,
      Consumer<EditRequest.Builder> mask) {
    Objects.requireNonNull(options, "options");
    return Failures.translated(
        () -> {
          List<InputImage> references = images.stream().map(Images::picture).toList();
          EditRequest.Builder request = EditRequest.builder(prompt, references);
          options.over(defaults).set(request);
          mask.accept(request);
          EditRequest built = request.build();
          int inputTokens = inputTokens(prompt, references.size());
          return first(response(inputTokens, model.editAll(built)));
        });
  }

  /** How long a prompt is does not depend on which tokens the pictures have. */
  private int inputTokens(String instruction, int references) {
    int[] tokens = new int[model.info().imageTokens()];
    return model.stages().editPrompt(instruction, Collections.nCopies(references, tokens)).length();
  }

  private static Response<List<Image>> response(int inputTokens, List<GeneratedImage> pictures) {
    int drawn = pictures.stream().mapToInt(picture -> picture.tokens().length).sum();
    return Response.from(
        pictures.stream().map(Images::of).toList(),
        new TokenUsage(inputTokens, drawn, inputTokens + drawn),
        null,
        Map.of(
            SEEDS, pictures.stream().map(GeneratedImage::seed).toList(),
            TOKENS, pictures.stream().map(Blip3oImageModel::tokens).toList(),
            TIMINGS, pictures.stream().map(GeneratedImage::timings).toList()));
  }

  private static List<Integer> tokens(GeneratedImage picture) {
    return Arrays.stream(picture.tokens()).boxed().toList();
  }

  private static Response<Image> first(Response<List<Image>> all) {
    return Response.from(
        all.content().get(0), all.tokenUsage(), all.finishReason(), all.metadata());
  }

  /**
   * Closes the library's model if the builder opened it, which cancels the calls that wait; does
   * nothing to an open model that was given.
   */
  @Override
  public void close() {
    if (owned) {
      model.close();
    }
  }

  /** Builds a {@link Blip3oImageModel}. Not safe for use by several threads at once. */
  public static final class Builder {
    private final Supplier<Blip3oModel> model;
    private final boolean owned;
    private Blip3oImageOptions defaults = NONE;

    private Builder(Supplier<Blip3oModel> model, boolean owned) {
      this.model = model;
      this.owned = owned;
    }

    /** Sets the options of every call that does not say otherwise, in place of those before. */
    public Builder defaultOptions(Blip3oImageOptions options) {
      this.defaults = Objects.requireNonNull(options, "options");
      return this;
    }

    /**
     * Makes the image model; opens the checkpoint if a directory was given.
     *
     * @throws dev.langchain4j.exception.LangChain4jException if the checkpoint can't be opened; its
     *     cause is what {@link Blip3oModel#open(Path, ModelOptions)} throws
     */
    public Blip3oImageModel build() {
      return new Blip3oImageModel(Failures.translated(model), owned, defaults);
    }
  }
}
