package dev.blip3o.springai;

import dev.blip3o.Blip3oModel;
import dev.blip3o.EditRequest;
import dev.blip3o.GeneratedImage;
import dev.blip3o.ImageRequest;
import dev.blip3o.InvalidRequestException;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import org.springframework.ai.image.Image;
import org.springframework.ai.image.ImageGeneration;
import org.springframework.ai.image.ImageMessage;
import org.springframework.ai.image.ImageModel;
import org.springframework.ai.image.ImageOptions;
import org.springframework.ai.image.ImagePrompt;
import org.springframework.ai.image.ImageResponse;

/**
 * An open model as an image model of Spring AI. Pictures are PNG files in base 64; each has a
 * {@link Blip3oPictureMetadata}.
 *
 * <p>Threads: safe for use by any thread. A call waits for its pictures on the caller's thread;
 * calls of several threads share the model's batches.
 *
 * <p>Errors are the library's, as {@link Blip3oModel} throws them: of these only {@link
 * dev.blip3o.QueueFullException} is worth another try, after the time it tells.
 */
public final class Blip3oImageModel implements ImageModel {
  private final Blip3oModel model;

  /** Uses {@code model}, which the caller closes when no call runs any more. */
  public Blip3oImageModel(Blip3oModel model) {
    this.model = Objects.requireNonNull(model, "model");
  }

  /**
   * Makes the prompt's pictures. Of options other than {@link Blip3oImageOptions} the count is
   * used, the size and format are checked, and the model's name and the style have no effect.
   *
   * @throws InvalidRequestException if the prompt has not exactly one message, or its options ask
   *     for what the model cannot do
   */
  @Override
  public ImageResponse call(ImagePrompt prompt) {
    return new ImageResponse(
        pictures(text(prompt), options(prompt.getOptions())).stream()
            .map(Blip3oImageModel::generation)
            .toList());
  }

  private List<GeneratedImage> pictures(String text, Blip3oImageOptions options) {
    var request = options.request(text);
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
    if (options instanceof Blip3oImageOptions ours) {
      return ours;
    }
    Blip3oImageOptions.Builder builder = Blip3oImageOptions.builder();
    if (options != null) {
      checkSide("width", options.getWidth(), model.info().pictureWidth());
      checkSide("height", options.getHeight(), model.info().pictureHeight());
      checkFormat(options.getResponseFormat());
      if (options.getN() != null) {
        builder.count(options.getN());
      }
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
