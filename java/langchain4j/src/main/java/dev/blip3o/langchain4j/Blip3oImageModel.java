package dev.blip3o.langchain4j;

import dev.blip3o.Blip3oException;
import dev.blip3o.Blip3oModel;
import dev.blip3o.EditRequest;
import dev.blip3o.GeneratedImage;
import dev.blip3o.ImageRequest;
import dev.blip3o.PictureRequest;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.image.ImageModel;
import dev.langchain4j.model.output.Response;
import dev.langchain4j.model.output.TokenUsage;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A BLIP3o-NEXT model as LangChain4j's image model. Pictures come as PNG in base64. A response's
 * metadata has {@code seeds} (a {@code List<Long>}) and {@code timings} (a list of {@link
 * dev.blip3o.Timings}), one entry a picture; its token usage counts the image tokens.
 *
 * <p>Any thread may call it, also many at once; a call blocks until its pictures are there.
 *
 * <p>Calls throw LangChain4j's exceptions, with the library's as cause: InvalidRequestException for
 * settings and pictures that cannot be, RateLimitException for a full queue, TimeoutException for a
 * passed deadline, UnsupportedFeatureException for what the checkpoint or device cannot do,
 * InternalServerException for the rest, such as a lost device.
 */
public final class Blip3oImageModel implements ImageModel, AutoCloseable {
  private final Blip3oModel model;
  private final boolean owned;
  private final List<Consumer<PictureRequest.Builder<?>>> settings;

  private Blip3oImageModel(Builder builder) {
    settings = List.copyOf(builder.settings);
    owned = builder.model == null;
    model = owned ? Blip3oModel.open(builder.directory) : builder.model;
  }

  /** Builds upon an open model, which {@link #close} leaves open. */
  public static Builder builder(Blip3oModel model) {
    return new Builder(Objects.requireNonNull(model, "model"), null);
  }

  /**
   * Builds upon a checkpoint's directory: {@link Builder#build} opens it, {@link #close} closes.
   */
  public static Builder builder(Path directory) {
    return new Builder(null, Objects.requireNonNull(directory, "directory"));
  }

  @Override
  public Response<Image> generate(String prompt) {
    return first(generate(prompt, 1));
  }

  /** Generates n pictures; picture k, from 0, has the first one's seed plus k. */
  @Override
  public Response<List<Image>> generate(String prompt, int n) {
    return answer(
        () -> {
          ImageRequest.Builder request = ImageRequest.builder(prompt).count(n);
          settings.forEach(setting -> setting.accept(request));
          return model.generateAll(request.build());
        });
  }

  /** Edits a picture given as base64 data or a data: URL; no address is fetched. */
  @Override
  public Response<Image> edit(Image image, String prompt) {
    return edit(image, prompt, request -> {});
  }

  /** Edits where the mask, a PNG with alpha, is transparent; the rest stays as it is. */
  @Override
  public Response<Image> edit(Image image, Image mask, String prompt) {
    return edit(image, prompt, request -> request.mask(Images.mask(mask)));
  }

  private Response<Image> edit(Image image, String prompt, Consumer<EditRequest.Builder> more) {
    return first(
        answer(
            () -> {
              var request = EditRequest.builder(prompt, Images.decode(image, "picture"));
              settings.forEach(setting -> setting.accept(request));
              more.accept(request);
              return model.editAll(request.build());
            }));
  }

  private static Response<List<Image>> answer(Supplier<List<GeneratedImage>> work) {
    try {
      List<GeneratedImage> pictures = work.get();
      int tokens = pictures.stream().mapToInt(picture -> picture.tokens().length).sum();
      Map<String, Object> metadata =
          Map.of(
              "seeds", pictures.stream().map(GeneratedImage::seed).toList(),
              "timings", pictures.stream().map(GeneratedImage::timings).toList());
      return Response.from(
          pictures.stream().map(Images::of).toList(),
          new TokenUsage(null, tokens, tokens),
          null,
          metadata);
    } catch (Blip3oException e) {
      throw Failures.of(e);
    }
  }

  private static Response<Image> first(Response<List<Image>> all) {
    return Response.from(
        all.content().get(0), all.tokenUsage(), all.finishReason(), all.metadata());
  }

  /** Closes the model if it was opened from a directory; does nothing to a given one. */
  @Override
  public void close() {
    if (owned) {
      model.close();
    }
  }

  /**
   * The settings of every call; what is not set has the library's default. Values are checked at
   * each call. For one thread.
   */
  public static final class Builder {
    private final Blip3oModel model;
    private final Path directory;
    private final List<Consumer<PictureRequest.Builder<?>>> settings = new ArrayList<>();

    private Builder(Blip3oModel model, Path directory) {
      this.model = model;
      this.directory = directory;
    }

    private Builder with(Consumer<PictureRequest.Builder<?>> setting) {
      settings.add(setting);
      return this;
    }

    /** The first picture's seed; without it every call draws its own. */
    public Builder seed(long seed) {
      return with(request -> request.seed(seed));
    }

    /** Denoising steps. */
    public Builder steps(int steps) {
      return with(request -> request.steps(steps));
    }

    /** How strongly the picture follows the prompt. */
    public Builder guidance(double guidance) {
      return with(request -> request.guidance(guidance));
    }

    /** Temperature of the image tokens' sampling. */
    public Builder temperature(double temperature) {
      return with(request -> request.temperature(temperature));
    }

    /** Samples among the k likeliest image tokens. */
    public Builder topK(int topK) {
      return with(request -> request.topK(topK));
    }

    /** Samples among the likeliest image tokens that together have this probability. */
    public Builder topP(double topP) {
      return with(request -> request.topP(topP));
    }

    /** The longest time a call may take. */
    public Builder deadline(Duration deadline) {
      return with(request -> request.deadline(deadline));
    }

    /** Priority in the model's queue. */
    public Builder priority(int priority) {
      return with(request -> request.priority(priority));
    }

    /** Makes the image model; opens the checkpoint if a directory was given. */
    public Blip3oImageModel build() {
      return new Blip3oImageModel(this);
    }
  }
}
