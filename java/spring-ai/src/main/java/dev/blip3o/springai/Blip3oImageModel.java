package dev.blip3o.springai;

import dev.blip3o.Blip3oModel;
import dev.blip3o.EditRequest;
import dev.blip3o.GeneratedImage;
import dev.blip3o.ImageRequest;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.PictureRequest;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import org.springframework.ai.chat.metadata.Usage;
import org.springframework.ai.image.Image;
import org.springframework.ai.image.ImageGeneration;
import org.springframework.ai.image.ImageMessage;
import org.springframework.ai.image.ImageModel;
import org.springframework.ai.image.ImageOptions;
import org.springframework.ai.image.ImagePrompt;
import org.springframework.ai.image.ImageResponse;
import org.springframework.ai.image.ImageResponseMetadata;

/**
 * An open model as an image model of Spring AI. Pictures are PNG files in base 64; each has a
 * {@link Blip3oPictureMetadata}, the response a {@link Usage} under {@link #USAGE}.
 *
 * <p>Threads: safe for use by any thread. A call waits for its pictures on the caller's thread;
 * calls of several threads share the model's batches. An interrupt of a thread that waits cancels
 * its pictures.
 *
 * <p>Errors are the library's, as {@link Blip3oModel#generateAll(ImageRequest)} and {@link
 * Blip3oModel#editAll(EditRequest)} throw them: of these only {@link dev.blip3o.QueueFullException}
 * is worth another try, after the time it tells. {@link IllegalStateException} once the model was
 * closed, or after {@link #drain}.
 */
public final class Blip3oImageModel implements ImageModel {
  /**
   * The key of the {@link Usage} in a response's metadata: tokens of the prompt with its template
   * and reference pictures, and the image tokens of all pictures.
   */
  public static final String USAGE = "usage";

  private final Blip3oModel model;
  private final Blip3oImageOptions defaults;
  private final Calls calls = new Calls();

  /** Uses {@code model}, which the caller closes when no call runs any more. */
  public Blip3oImageModel(Blip3oModel model) {
    this(model, Blip3oImageOptions.builder().build());
  }

  /**
   * Uses {@code model}, which the caller closes when no call runs any more.
   *
   * @param defaults what holds for a prompt whose own options don't say otherwise
   */
  public Blip3oImageModel(Blip3oModel model, Blip3oImageOptions defaults) {
    this.model = Objects.requireNonNull(model, "model");
    this.defaults = Objects.requireNonNull(defaults, "defaults");
  }

  /**
   * Makes the prompt's pictures. Of options other than {@link Blip3oImageOptions} the count is
   * used, the size and format are checked, and the model's name and the style have no effect.
   *
   * @throws InvalidRequestException if the prompt has not exactly one message, or its options ask
   *     for what the model cannot do; the message names the option
   * @throws IllegalStateException after {@link #drain}, or if the model was closed
   */
  @Override
  public ImageResponse call(ImagePrompt prompt) {
    calls.enter();
    try {
      return response(options(prompt.getOptions()).request(text(prompt)));
    } finally {
      calls.leave();
    }
  }

  /**
   * Takes no more calls, and waits until those under way have ended: what to do before the model is
   * closed, which would cancel them. An interrupt ends the wait and stays set.
   *
   * @param timeout the longest wait; zero or less: none
   * @return whether no call is under way
   */
  public boolean drain(Duration timeout) {
    return calls.drain(timeout);
  }

  /** Takes calls again, as it did before {@link #drain}. */
  public void resume() {
    calls.resume();
  }

  private ImageResponse response(PictureRequest request) {
    ImageResponseMetadata metadata = new ImageResponseMetadata();
    metadata.put(USAGE, Tokens.usage(model, request));
    return new ImageResponse(
        pictures(request).stream().map(Blip3oImageModel::generation).toList(), metadata);
  }

  private List<GeneratedImage> pictures(PictureRequest request) {
    return request instanceof EditRequest edit
        ? model.editAll(edit)
        : model.generateAll((ImageRequest) request);
  }

  private static String text(ImagePrompt prompt) {
    List<ImageMessage> messages = prompt.getInstructions();
    if (messages.size() != 1) {
      throw new InvalidRequestException(
          "the prompt has "
              + messages.size()
              + " messages; the model takes one: join their texts into one message");
    }
    return messages.get(0).getText();
  }

  private Blip3oImageOptions options(ImageOptions options) {
    if (options == null) {
      return defaults;
    }
    if (options instanceof Blip3oImageOptions ours) {
      return ours.over(defaults);
    }
    checkSide("width", options.getWidth(), model.info().pictureWidth());
    checkSide("height", options.getHeight(), model.info().pictureHeight());
    checkFormat(options.getResponseFormat());
    Blip3oImageOptions.Builder builder = defaults.toBuilder();
    if (options.getN() != null) {
      builder.count(options.getN());
    }
    return builder.build();
  }

  private static void checkFormat(String format) {
    if (format != null && !format.equals("b64_json")) {
      throw new InvalidRequestException(
          "the response format is \"" + format + "\"; pictures come as \"b64_json\": leave it out");
    }
  }

  private static void checkSide(String name, Integer pixels, int side) {
    if (pixels != null && pixels != side) {
      throw new InvalidRequestException(
          name + " is " + pixels + "; this checkpoint makes " + side + " pixels: leave it out");
    }
  }

  private static ImageGeneration generation(GeneratedImage image) {
    String png = Base64.getEncoder().encodeToString(image.png());
    List<Integer> tokens = Arrays.stream(image.tokens()).boxed().toList();
    return new ImageGeneration(
        new Image(null, png), new Blip3oPictureMetadata(image.seed(), tokens, image.timings()));
  }
}
