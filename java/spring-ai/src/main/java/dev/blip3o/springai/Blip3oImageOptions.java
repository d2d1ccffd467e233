package dev.blip3o.springai;

import dev.blip3o.EditRequest;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.PictureRequest;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.springframework.ai.image.ImageOptions;

/**
 * What a prompt asks of the model beyond its text. With {@linkplain Builder#references reference
 * pictures} it asks for an edit, with an {@linkplain Builder#initialImage initial image} for a
 * picture that starts from that one.
 *
 * <p>What is not set is what the image model's default options say, and where they say nothing,
 * what the checkpoint does.
 *
 * <p>Immutable, so safe for use by any thread. Values are checked when the picture is asked for.
 */
public final class Blip3oImageOptions implements ImageOptions {
  private final Integer count;
  private final Long seed;
  private final Integer steps;
  private final Double guidance;
  private final Double temperature;
  private final Integer topK;
  private final Double topP;
  private final List<Integer> tokens;
  private final List<InputImage> references;
  private final InputImage initialImage;
  private final Double strength;
  private final InputImage mask;
  private final Integer priority;
  private final Duration deadline;

  private Blip3oImageOptions(Builder builder) {
    this.count = builder.count;
    this.seed = builder.seed;
    this.steps = builder.steps;
    this.guidance = builder.guidance;
    this.temperature = builder.temperature;
    this.topK = builder.topK;
    this.topP = builder.topP;
    this.tokens = builder.tokens;
    this.references = builder.references;
    this.initialImage = builder.initialImage;
    this.strength = builder.strength;
    this.mask = builder.mask;
    this.priority = builder.priority;
    this.deadline = builder.deadline;
  }

  /** Options that leave all to the model until they are set. */
  public static Builder builder() {
    return new Builder();
  }

  /** A builder that starts from these options. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    setAll(builder);
    return builder;
  }

  /** The first picture's seed; picture k (from 0) has the seed plus k. */
  public OptionalLong seed() {
    return seed == null ? OptionalLong.empty() : OptionalLong.of(seed);
  }

  /** Denoising steps. */
  public OptionalInt steps() {
    return optional(steps);
  }

  /** Classifier-free guidance; 1: none. */
  public OptionalDouble guidance() {
    return optional(guidance);
  }

  /** Temperature of the image tokens; 0: greedy. */
  public OptionalDouble temperature() {
    return optional(temperature);
  }

  /** How many of the likeliest image tokens may be drawn; 0: all. */
  public OptionalInt topK() {
    return optional(topK);
  }

  /** The probability mass of image tokens that may be drawn. */
  public OptionalDouble topP() {
    return optional(topP);
  }

  /** Image tokens to keep instead of drawing them, without offset; empty: they are drawn. */
  public List<Integer> tokens() {
    return tokens;
  }

  /** The pictures to edit; empty for a picture from the prompt alone. */
  public List<InputImage> references() {
    return references;
  }

  /** The picture whose noised latents the flow starts from. */
  public Optional<InputImage> initialImage() {
    return Optional.ofNullable(initialImage);
  }

  /** How much of the flow runs from the initial image, or an edit's first reference. */
  public OptionalDouble strength() {
    return optional(strength);
  }

  /** Where the initial image, or the first reference, may change, if not everywhere. */
  public Optional<InputImage> mask() {
    return Optional.ofNullable(mask);
  }

  /** Of the requests that wait the one of the highest priority is started first. */
  public OptionalInt priority() {
    return optional(priority);
  }

  /** How long the call may take, for all its pictures together. */
  public Optional<Duration> deadline() {
    return Optional.ofNullable(deadline);
  }

  /** How many pictures; null for one. */
  @Override
  public Integer getN() {
    return count;
  }

  /** Null: the model is the one that was opened. */
  @Override
  public String getModel() {
    return null;
  }

  /** Null: the checkpoint knows the size of its pictures. */
  @Override
  public Integer getWidth() {
    return null;
  }

  /** Null: the checkpoint knows the size of its pictures. */
  @Override
  public Integer getHeight() {
    return null;
  }

  /** Always {@code b64_json}. */
  @Override
  public String getResponseFormat() {
    return "b64_json";
  }

  /** Null: the style is the prompt's. */
  @Override
  public String getStyle() {
    return null;
  }

  /** These options, and for what they leave open those of {@code defaults}. */
  Blip3oImageOptions over(Blip3oImageOptions defaults) {
    Builder builder = defaults.toBuilder();
    setAll(builder);
    return builder.build();
  }

  /** Sets what these options have; leaves the rest as it is. */
  private void setAll(Builder builder) {
    ifSet(count, builder::count);
    ifSet(seed, builder::seed);
    ifSet(steps, builder::steps);
    ifSet(guidance, builder::guidance);
    ifSet(temperature, builder::temperature);
    ifSet(topK, builder::topK);
    ifSet(topP, builder::topP);
    ifSet(tokens.isEmpty() ? null : tokens, builder::tokens);
    ifSet(references.isEmpty() ? null : references, builder::references);
    ifSet(initialImage, image -> builder.initialImage = image);
    ifSet(strength, builder::strength);
    ifSet(mask, builder::mask);
    ifSet(priority, builder::priority);
    ifSet(deadline, builder::deadline);
  }

  /**
   * The request that a prompt with these options makes.
   *
   * @throws InvalidRequestException if an option is out of its range, or two exclude each other
   */
  PictureRequest request(String prompt) {
    PictureRequest.Builder<?> request =
        references.isEmpty() ? fromText(prompt) : edit(prompt, references);
    ifSet(count, request::count);
    ifSet(seed, request::seed);
    ifSet(steps, request::steps);
    ifSet(guidance, request::guidance);
    ifSet(temperature, request::temperature);
    ifSet(topK, request::topK);
    ifSet(topP, request::topP);
    ifSet(mask, request::mask);
    ifSet(priority, request::priority);
    ifSet(deadline, request::deadline);
    if (!tokens.isEmpty()) {
      request.tokens(tokens.stream().mapToInt(Integer::intValue).toArray());
    }
    return request.build();
  }

  private PictureRequest.Builder<?> fromText(String prompt) {
    ImageRequest.Builder request = ImageRequest.builder(prompt);
    if (initialImage != null) {
      request.initialImage(initialImage, strength);
    } else if (strength != null) {
      throw new InvalidRequestException(
          "strength is "
              + strength
              + ", but there is no picture to start from: give an initial image, or references to"
              + " edit");
    }
    return request;
  }

  private PictureRequest.Builder<?> edit(String instruction, List<InputImage> pictures) {
    if (initialImage != null) {
      throw new InvalidRequestException(
          "there are both references and an initial image; an edit starts from its first reference:"
              + " set its strength, and leave out the initial image");
    }
    EditRequest.Builder request = EditRequest.builder(instruction, pictures);
    ifSet(strength, request::strength);
    return request;
  }

  private static <T> void ifSet(T value, Consumer<T> use) {
    if (value != null) {
      use.accept(value);
    }
  }

  private static OptionalInt optional(Integer value) {
    return value == null ? OptionalInt.empty() : OptionalInt.of(value);
  }

  private static OptionalDouble optional(Double value) {
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  /** Collects options. Not safe for use by several threads at once. */
  public static final class Builder {
    private Integer count;
    private Long seed;
    private Integer steps;
    private Double guidance;
    private Double temperature;
    private Integer topK;
    private Double topP;
    private List<Integer> tokens = List.of();
    private List<InputImage> references = List.of();
    private InputImage initialImage;
    private Double strength;
    private InputImage mask;
    private Integer priority;
    private Duration deadline;

    private Builder() {}

    /** How many pictures, {@code [1, 10000]}; picture k (from 0) has the seed plus k. Default 1. */
    public Builder count(int count) {
      this.count = count;
      return this;
    }

    /** The first picture's seed, all 64 bits of it; without one it is drawn at random, and told. */
    public Builder seed(long seed) {
      this.seed = seed;
      return this;
    }

    /** Denoising steps, {@code [1, 1000]}. */
    public Builder steps(int steps) {
      this.steps = steps;
      return this;
    }

    /** Classifier-free guidance, {@code [1, 100]}; 1: none, for half the work. */
    public Builder guidance(double guidance) {
      this.guidance = guidance;
      return this;
    }

    /** Temperature of the image tokens, 0 (greedy) or more. */
    public Builder temperature(double temperature) {
      this.temperature = temperature;
      return this;
    }

    /** How many of the likeliest image tokens may be drawn; 0: all. */
    public Builder topK(int topK) {
      this.topK = topK;
      return this;
    }

    /** The probability mass of image tokens that may be drawn, {@code (0, 1]}. */
    public Builder topP(double topP) {
      this.topP = topP;
      return this;
    }

    /**
     * Keeps these image tokens, for example {@link Blip3oPictureMetadata#tokens}, instead of
     * drawing new ones: the picture is a variation of the one that they belong to.
     *
     * @param tokens all of a picture, without offset; copied
     */
    public Builder tokens(List<Integer> tokens) {
      this.tokens = List.copyOf(tokens);
      return this;
    }

    /** {@link #references(List)}. */
    public Builder references(InputImage... references) {
      return references(List.of(references));
    }

    /**
     * Pictures to edit, 1 to {@link EditRequest#MAX_REFERENCES}: the prompt is then the
     * instruction.
     */
    public Builder references(List<InputImage> references) {
      this.references = List.copyOf(references);
      return this;
    }

    /**
     * Starts the flow from a picture instead of from pure noise; not with references.
     *
     * @param image the picture; resized and cropped to the model's size
     * @param strength how much of the flow runs, {@code (0, 1]}: near 0 hardly changes the picture
     */
    public Builder initialImage(InputImage image, double strength) {
      this.initialImage = Objects.requireNonNull(image, "image");
      return strength(strength);
    }

    /**
     * How much of the flow of an edit runs from its first reference, {@code (0, 1]}; without it the
     * flow starts from pure noise.
     */
    public Builder strength(double strength) {
      this.strength = strength;
      return this;
    }

    /**
     * Where the initial image, or the first reference, may change: white may, black is kept. Of
     * that picture's size; see {@link PictureRequest#mask}.
     */
    public Builder mask(InputImage mask) {
      this.mask = Objects.requireNonNull(mask, "mask");
      return this;
    }

    /** The priority, {@code [-100, 100]}: whatever is higher is started first. Default 0. */
    public Builder priority(int priority) {
      this.priority = priority;
      return this;
    }

    /**
     * How long the call may take for all its pictures together, above zero and up to a year; in
     * whole milliseconds, rounded up. It then throws {@link dev.blip3o.DeadlineExceededException}.
     */
    public Builder deadline(Duration deadline) {
      this.deadline = Objects.requireNonNull(deadline, "deadline");
      return this;
    }

    /** The options. */
    public Blip3oImageOptions build() {
      return new Blip3oImageOptions(this);
    }
  }
}
