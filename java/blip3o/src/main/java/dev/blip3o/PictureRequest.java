package dev.blip3o;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What every request for pictures says: an {@link ImageRequest} makes them from text, an {@link
 * EditRequest} from an instruction and reference pictures. What is left empty is taken from the
 * checkpoint when the request runs. Immutable.
 */
public abstract sealed class PictureRequest permits ImageRequest, EditRequest {
  /** The most pictures that one request can ask for. */
  public static final int MAX_COUNT = 10_000;

  /** The most denoising steps. */
  public static final int MAX_STEPS = 1000;

  /** The largest guidance. */
  public static final double MAX_GUIDANCE = 100;

  /** The highest priority; the lowest is its negative. */
  public static final int MAX_PRIORITY = 100;

  /** The longest deadline. */
  public static final Duration MAX_DEADLINE = Duration.ofDays(365);

  /** What errors call the text of a request for pictures from text. */
  static final String PROMPT = "prompt";

  /** What errors call the text of an edit. */
  static final String INSTRUCTION = "instruction";

  private final String prompt;
  private final OptionalLong seed;
  private final int count;
  private final OptionalInt steps;
  private final OptionalDouble guidance;
  private final OptionalDouble temperature;
  private final OptionalInt topK;
  private final OptionalDouble topP;
  private final int[] tokens;
  private final OptionalDouble strength;
  private final InputImage mask;
  private final int priority;
  private final Optional<Duration> deadline;
  private final int previewEvery;
  private final boolean logProbabilities;

  /** Checks what needs no model. */
  PictureRequest(Builder<?> builder) {
    checkPrompt(builder.noun(), builder.prompt);
    Checks.range("count", builder.count, 1, MAX_COUNT);
    builder.steps.ifPresent(value -> Checks.range("steps", value, 1, MAX_STEPS));
    builder.guidance.ifPresent(value -> Checks.range("guidance", value, 1, MAX_GUIDANCE));
    builder.temperature.ifPresent(value -> Checks.range("temperature", value, 0, Float.MAX_VALUE));
    builder.topK.ifPresent(value -> Checks.range("topK", value, 0, Integer.MAX_VALUE));
    builder.topP.ifPresent(value -> Checks.share("topP", value));
    builder.strength.ifPresent(value -> Checks.share("strength", value));
    Checks.range("priority", builder.priority, -MAX_PRIORITY, MAX_PRIORITY);
    builder.deadline.ifPresent(
        value -> Checks.range("deadline", value, Duration.ofNanos(1), MAX_DEADLINE));
    Checks.range("previewEvery", builder.previewEvery, 0, MAX_STEPS);
    if (builder.logProbabilities && builder.tokens != null) {
      throw new InvalidRequestException(
          "log-probabilities are of tokens that are drawn, but the request keeps tokens; ask for"
              + " one of the two");
    }
    this.prompt = builder.prompt;
    this.seed = builder.seed;
    this.count = builder.count;
    this.steps = builder.steps;
    this.guidance = builder.guidance;
    this.temperature = builder.temperature;
    this.topK = builder.topK;
    this.topP = builder.topP;
    this.tokens = builder.tokens;
    this.strength = builder.strength;
    this.mask = builder.mask;
    this.priority = builder.priority;
    this.deadline = builder.deadline;
    this.previewEvery = builder.previewEvery;
    this.logProbabilities = builder.logProbabilities;
  }

  /**
   * What to draw, or an edit's instruction; at least one character that is not white space. Special
   * tokens spelled in it stay text.
   */
  public final String prompt() {
    return prompt;
  }

  /**
   * The first picture's seed, all 64 bits of it; picture k (from 0) has {@code seed + k}. Empty:
   * drawn at random and reported by {@link GeneratedImage#seed}. Equal requests with equal seeds
   * give equal pictures.
   */
  public final OptionalLong seed() {
    return seed;
  }

  /** How many pictures, {@code [1, 10000]}. */
  public final int count() {
    return count;
  }

  /** Denoising steps, {@code [1, 1000]}; default 30. */
  public final OptionalInt steps() {
    return steps;
  }

  /** Classifier-free guidance, {@code [1, 100]}; 1: none, for half the work; default 2.0. */
  public final OptionalDouble guidance() {
    return guidance;
  }

  /** Temperature of the image tokens, 0 (greedy) or more. */
  public final OptionalDouble temperature() {
    return temperature;
  }

  /** How many of the likeliest image tokens may be drawn; 0: all. */
  public final OptionalInt topK() {
    return topK;
  }

  /** The probability mass of image tokens that may be drawn, {@code (0, 1]}. */
  public final OptionalDouble topP() {
    return topP;
  }

  /**
   * Image tokens {@code [N]} to keep instead of drawing them, without offset: the same composition,
   * with other details for another seed. A copy.
   */
  public final Optional<int[]> tokens() {
    return Optional.ofNullable(tokens).map(int[]::clone);
  }

  /**
   * How much of the flow runs from the noised initial picture, {@code (0, 1]}: near 0 hardly
   * changes it, 1 starts from pure noise. Only whole steps run: the last {@code round(strength *
   * steps)} of them, and at least one, so that strengths which round to the same number give equal
   * pictures. Empty where no picture was given to start from.
   */
  public final OptionalDouble strength() {
    return strength;
  }

  /**
   * Where the initial picture may change: white may, black is kept, grey is between. Of the initial
   * picture's size. Colours count by their luma; what is transparent counts as white.
   */
  public final Optional<InputImage> mask() {
    return Optional.ofNullable(mask);
  }

  /**
   * Of the requests that wait in a model the one of the highest priority is started first, {@code
   * [-100, 100]}; those of equal priority in the order of their submission. Default 0.
   */
  public final int priority() {
    return priority;
  }

  /**
   * How long after its submission the request may take: it ends with {@link
   * DeadlineExceededException} then, waiting or running. For a count above 1 it is the time of all
   * pictures together. In whole milliseconds, rounded up. Empty: as long as it takes.
   */
  public final Optional<Duration> deadline() {
    return deadline;
  }

  /**
   * After every so many denoising steps but the last there is a preview: {@link
   * PictureEvent.Preview}, {@link ProgressListener#onPreview}. 0: none, the default.
   */
  public final int previewEvery() {
    return previewEvery;
  }

  /**
   * Whether the picture tells how likely its tokens were: {@link GeneratedImage#logProbabilities}.
   */
  public final boolean logProbabilities() {
    return logProbabilities;
  }

  /** A builder that starts from this request. */
  public abstract Builder<?> toBuilder();

  /** The picture that the flow starts from and the mask refers to. */
  abstract Optional<InputImage> initial();

  /** The reference pictures of an edit; empty for text to image. */
  abstract List<InputImage> pictures();

  /** Checks the mask's size, once the subclass knows its pictures. */
  final void checkMask() {
    if (mask == null) {
      return;
    }
    InputImage initial =
        initial()
            .orElseThrow(
                () ->
                    new InvalidRequestException(
                        "a mask needs an initial picture, whose black parts it keeps, but there is"
                            + " none; give one, or leave out the mask"));
    if (mask.width() != initial.width() || mask.height() != initial.height()) {
      throw new InvalidRequestException(
          String.format(
              Locale.ROOT,
              "the mask must have the size of its picture, %dx%d, but is %dx%d; resize it",
              initial.width(),
              initial.height(),
              mask.width(),
              mask.height()));
    }
  }

  /**
   * Checks a text for the model.
   *
   * @param noun what errors call it: {@link #PROMPT} or {@link #INSTRUCTION}
   */
  static void checkPrompt(String noun, String prompt) {
    Objects.requireNonNull(prompt, noun);
    if (prompt.isBlank()) {
      throw new InvalidRequestException(
          String.format(
              Locale.ROOT,
              "the %s is empty: say in a few words what %s",
              noun,
              noun.equals(INSTRUCTION) ? "to change" : "the picture shows"));
    }
    for (int i = 0; i < prompt.length(); i++) {
      char unit = prompt.charAt(i);
      if (!Character.isSurrogate(unit)) {
        continue;
      }
      boolean paired =
          Character.isHighSurrogate(unit)
              && i + 1 < prompt.length()
              && Character.isLowSurrogate(prompt.charAt(i + 1));
      if (!paired) {
        throw new InvalidRequestException(
            String.format(
                Locale.ROOT,
                "the %s holds half of a character (U+%04X) at index %d: it is no valid Unicode",
                noun,
                (int) unit,
                i));
      }
      i++;
    }
  }

  private List<Object> values() {
    List<Object> values = new ArrayList<>();
    values.addAll(List.of(prompt, seed, count, steps, guidance, temperature, topK, topP));
    values.addAll(List.of(strength, mask(), initial(), pictures()));
    values.addAll(List.of(priority, deadline, previewEvery, logProbabilities));
    return values;
  }

  @Override
  public final boolean equals(Object other) {
    return other != null
        && other.getClass() == getClass()
        && Arrays.equals(tokens, ((PictureRequest) other).tokens)
        && values().equals(((PictureRequest) other).values());
  }

  @Override
  public final int hashCode() {
    return 31 * values().hashCode() + Arrays.hashCode(tokens);
  }

  @Override
  public final String toString() {
    StringBuilder text = new StringBuilder(getClass().getSimpleName());
    text.append("[prompt=").append(prompt);
    seed.ifPresent(value -> text.append(", seed=").append(Long.toUnsignedString(value)));
    text.append(", count=").append(count);
    steps.ifPresent(value -> text.append(", steps=").append(value));
    guidance.ifPresent(value -> text.append(", guidance=").append(value));
    temperature.ifPresent(value -> text.append(", temperature=").append(value));
    topK.ifPresent(value -> text.append(", topK=").append(value));
    topP.ifPresent(value -> text.append(", topP=").append(value));
    if (tokens != null) {
      text.append(", tokens=").append(tokens.length);
    }
    pictures().forEach(picture -> text.append(", reference=").append(picture));
    initial().ifPresent(picture -> text.append(", initial=").append(picture));
    strength.ifPresent(value -> text.append(", strength=").append(value));
    mask().ifPresent(picture -> text.append(", mask=").append(picture));
    if (priority != 0) {
      text.append(", priority=").append(priority);
    }
    deadline.ifPresent(value -> text.append(", deadline=").append(value));
    if (previewEvery != 0) {
      text.append(", previewEvery=").append(previewEvery);
    }
    if (logProbabilities) {
      text.append(", logProbabilities");
    }
    return text.append(']').toString();
  }

  /**
   * Builds a request. Not safe for use by several threads at once.
   *
   * @param <B> the builder's own type
   */
  public abstract static sealed class Builder<B extends Builder<B>>
      permits ImageRequest.Builder, EditRequest.Builder {
    private String prompt;
    private OptionalLong seed = OptionalLong.empty();
    private int count = 1;
    private OptionalInt steps = OptionalInt.empty();
    private OptionalDouble guidance = OptionalDouble.empty();
    private OptionalDouble temperature = OptionalDouble.empty();
    private OptionalInt topK = OptionalInt.empty();
    private OptionalDouble topP = OptionalDouble.empty();
    private int[] tokens;
    private OptionalDouble strength = OptionalDouble.empty();
    private InputImage mask;
    private int priority;
    private Optional<Duration> deadline = Optional.empty();
    private int previewEvery;
    private boolean logProbabilities;

    Builder(String prompt) {
      this.prompt = prompt;
    }

    /** Starts from {@code request}. */
    Builder(PictureRequest request) {
      this.prompt = request.prompt;
      this.seed = request.seed;
      this.count = request.count;
      this.steps = request.steps;
      this.guidance = request.guidance;
      this.temperature = request.temperature;
      this.topK = request.topK;
      this.topP = request.topP;
      this.tokens = request.tokens;
      this.strength = request.strength;
      this.mask = request.mask;
      this.priority = request.priority;
      this.deadline = request.deadline;
      this.previewEvery = request.previewEvery;
      this.logProbabilities = request.logProbabilities;
    }

    abstract B self();

    /** What errors call the prompt. */
    abstract String noun();

    final void setStrength(double strength) {
      this.strength = OptionalDouble.of(strength);
    }

    /**
     * Sets the prompt, or an edit's instruction, in place of the one that the builder began with.
     */
    public B prompt(String prompt) {
      this.prompt = prompt;
      return self();
    }

    /** Sets the first picture's seed. */
    public B seed(long seed) {
      this.seed = OptionalLong.of(seed);
      return self();
    }

    /** Sets how many pictures are made. */
    public B count(int count) {
      this.count = count;
      return self();
    }

    /** Sets the number of denoising steps. */
    public B steps(int steps) {
      this.steps = OptionalInt.of(steps);
      return self();
    }

    /** Sets the guidance. */
    public B guidance(double guidance) {
      this.guidance = OptionalDouble.of(guidance);
      return self();
    }

    /** Sets the temperature; 0: greedy. */
    public B temperature(double temperature) {
      this.temperature = OptionalDouble.of(temperature);
      return self();
    }

    /** Sets top-k; 0: all. */
    public B topK(int topK) {
      this.topK = OptionalInt.of(topK);
      return self();
    }

    /** Sets top-p. */
    public B topP(double topP) {
      this.topP = OptionalDouble.of(topP);
      return self();
    }

    /**
     * Keeps these image tokens, for example {@link GeneratedImage#tokens}, instead of drawing new
     * ones: the picture is a variation of the one that they belong to.
     *
     * @param tokens {@code [N]}, image codes without offset; copied
     */
    public B tokens(int... tokens) {
      this.tokens = Objects.requireNonNull(tokens, "tokens").clone();
      return self();
    }

    /**
     * Keeps what is black in {@code mask} and lets change what is white; what is transparent counts
     * as white.
     *
     * @param mask of the size of the picture that it keeps
     */
    public B mask(InputImage mask) {
      this.mask = Objects.requireNonNull(mask, "mask");
      return self();
    }

    /** Sets the priority, {@code [-100, 100]}: whatever is higher is started first. */
    public B priority(int priority) {
      this.priority = priority;
      return self();
    }

    /** Sets how long after its submission the request may take; above zero. */
    public B deadline(Duration deadline) {
      this.deadline = Optional.of(deadline);
      return self();
    }

    /** Sets after how many steps there is a preview each time; 0: none. */
    public B previewEvery(int steps) {
      this.previewEvery = steps;
      return self();
    }

    /** Sets whether the picture tells how likely its tokens were; false by default. */
    public B logProbabilities(boolean wanted) {
      this.logProbabilities = wanted;
      return self();
    }

    /**
     * Builds the request.
     *
     * @throws InvalidRequestException if the prompt is empty, a number is out of its range, the
     *     mask has no picture or another size, or log-probabilities are wanted of tokens that are
     *     kept
     */
    public abstract PictureRequest build();
  }
}
