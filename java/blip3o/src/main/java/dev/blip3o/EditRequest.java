package dev.blip3o;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A request for edited pictures: an instruction, and the reference pictures that it speaks of.
 *
 * <pre>{@code
 * InputImage picture = InputImage.read(Path.of("in.png"));
 * GeneratedImage edited = model.edit(EditRequest.of("make the circle blue", picture));
 * }</pre>
 *
 * <p>References may have any size and shape; the model sees them resized. Their order is kept. Mask
 * and strength refer to the first one.
 */
public final class EditRequest extends PictureRequest {
  /** The most reference pictures of a request. */
  public static final int MAX_REFERENCES = 16;

  private final List<InputImage> references;

  private EditRequest(Builder builder) {
    super(builder);
    this.references = builder.references;
    checkReferences(references);
    if (references.isEmpty()) {
      throw new InvalidRequestException(
          "an edit needs 1 to "
              + MAX_REFERENCES
              + " reference pictures, but there is none; use an ImageRequest to draw from text");
    }
    checkMask();
  }

  /**
   * A request for one picture with the checkpoint's defaults.
   *
   * @param instruction what to change
   * @param first the first reference picture
   * @param more further ones, in their order; up to {@value #MAX_REFERENCES} in all
   * @throws InvalidRequestException if the instruction is empty, or there are too many pictures
   */
  public static EditRequest of(String instruction, InputImage first, InputImage... more) {
    return builder(instruction, first, more).build();
  }

  /** A builder for an edit of {@code first} and {@code more} reference pictures, in this order. */
  public static Builder builder(String instruction, InputImage first, InputImage... more) {
    Objects.requireNonNull(first, "first");
    Objects.requireNonNull(more, "more");
    List<InputImage> references = new ArrayList<>();
    references.add(first);
    references.addAll(Arrays.asList(more));
    return builder(instruction, references);
  }

  /** A builder for an edit of {@code references}; the list is copied. */
  public static Builder builder(String instruction, List<InputImage> references) {
    return new Builder(instruction, Checks.copy("references", references));
  }

  /** The reference pictures, 1 to {@value #MAX_REFERENCES} of them. */
  public List<InputImage> references() {
    return references;
  }

  @Override
  public Builder toBuilder() {
    return new Builder(this);
  }

  @Override
  Optional<InputImage> initial() {
    return strength().isPresent() || mask().isPresent()
        ? Optional.of(references.get(0))
        : Optional.empty();
  }

  @Override
  List<InputImage> pictures() {
    return references;
  }

  static void checkReferences(List<InputImage> references) {
    if (references.size() > MAX_REFERENCES) {
      throw new InvalidRequestException(
          "a request takes at most "
              + MAX_REFERENCES
              + " reference pictures, but "
              + references.size()
              + " were given");
    }
  }

  /** Builds an {@link EditRequest}. Not safe for use by several threads at once. */
  public static final class Builder extends PictureRequest.Builder<Builder> {
    private final List<InputImage> references;

    private Builder(String instruction, List<InputImage> references) {
      super(instruction);
      this.references = references;
    }

    private Builder(EditRequest request) {
      super(request);
      this.references = request.references;
    }

    @Override
    Builder self() {
      return this;
    }

    @Override
    String noun() {
      return INSTRUCTION;
    }

    /**
     * Starts the flow from the first reference, noised, instead of from pure noise.
     *
     * @param strength how much of the flow runs, {@code (0, 1]}: 1 starts from pure noise; in whole
     *     steps, as {@link PictureRequest#strength} says
     */
    public Builder strength(double strength) {
      setStrength(strength);
      return this;
    }

    @Override
    public EditRequest build() {
      return new EditRequest(this);
    }
  }
}
