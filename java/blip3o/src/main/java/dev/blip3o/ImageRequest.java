package dev.blip3o;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A request for pictures from text.
 *
 * <p>With an {@link Builder#initialImage initial image} the flow does not start from pure noise but
 * from that picture's noised latents: image to image. With {@link Builder#tokens tokens} the
 * composition is that of the picture they belong to.
 *
 * <pre>{@code
 * ImageRequest request = ImageRequest.of("a red circle");
 * GeneratedImage first = model.generate(request);
 * GeneratedImage variation =
 *     model.generate(request.toBuilder().tokens(first.tokens()).seed(8).build());
 * }</pre>
 */
public final class ImageRequest extends PictureRequest {
  private final InputImage initialImage;

  private ImageRequest(Builder builder) {
    super(builder);
    this.initialImage = builder.initialImage;
    checkMask();
  }

  /** A request for one picture of {@code prompt} with the checkpoint's defaults. */
  public static ImageRequest of(String prompt) {
    return builder(prompt).build();
  }

  /** A builder for a request of {@code prompt}. */
  public static Builder builder(String prompt) {
    return new Builder(prompt);
  }

  /** The picture whose noised latents the flow starts from. */
  public Optional<InputImage> initialImage() {
    return Optional.ofNullable(initialImage);
  }

  @Override
  public Builder toBuilder() {
    return new Builder(this);
  }

  @Override
  Optional<InputImage> initial() {
    return initialImage();
  }

  @Override
  List<InputImage> pictures() {
    return List.of();
  }

  /** Builds an {@link ImageRequest}. Not safe for use by several threads at once. */
  public static final class Builder extends PictureRequest.Builder<Builder> {
    private InputImage initialImage;

    private Builder(String prompt) {
      super(prompt);
    }

    private Builder(ImageRequest request) {
      super(request);
      this.initialImage = request.initialImage;
    }

    @Override
    Builder self() {
      return this;
    }

    @Override
    String noun() {
      return PROMPT;
    }

    /**
     * Starts the flow from a picture: image to image.
     *
     * @param image the picture; resized and cropped to the model's size
     * @param strength how much of the flow runs, {@code (0, 1]}: 1 starts from pure noise; in whole
     *     steps, as {@link PictureRequest#strength} says
     */
    public Builder initialImage(InputImage image, double strength) {
      this.initialImage = Objects.requireNonNull(image, "image");
      setStrength(strength);
      return this;
    }

    @Override
    public ImageRequest build() {
      return new ImageRequest(this);
    }
  }
}
