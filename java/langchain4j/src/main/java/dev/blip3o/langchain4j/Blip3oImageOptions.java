package dev.blip3o.langchain4j;

import dev.blip3o.EditRequest;
import dev.blip3o.InputImage;
import dev.blip3o.PictureRequest;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What can be asked of pictures beyond their prompt. LangChain4j's interface has no place for it:
 * options are the defaults of a {@link Blip3oImageModel}, or an argument of its own methods, where
 * they go before the defaults one by one. What neither says is taken from the checkpoint.
 *
 * <pre>{@code
 * Blip3oImageOptions options = Blip3oImageOptions.builder().seed(7).steps(20).build();
 * Image image = images.generate("a red circle", options).content();
 * }</pre>
 *
 * <p>Immutable, so any thread may use them.
 *
 * @param seed the first picture's seed, all 64 bits of it; picture k (from 0) has {@code seed + k}.
 *     Equal calls with equal seeds give equal pictures. Default: random, and told by the response
 * @param steps denoising steps, {@code [1, 1000]}; default 30
 * @param guidance classifier-free guidance, {@code [1, 100]}; 1: none, for half the work; default
 *     2.0
 * @param temperature of the image tokens, 0 (greedy) or more; default: the checkpoint's
 * @param topK how many of the likeliest image tokens may be drawn, 0 (all) or more; default: the
 *     checkpoint's
 * @param topP the probability mass of image tokens that may be drawn, {@code (0, 1]}; default: the
 *     checkpoint's
 * @param tokens image tokens to keep instead of drawing them, those of an earlier response ({@link
 *     Blip3oImageModel#TOKENS}): the same composition, with other details for another seed.
 *     Default, and empty: they are drawn
 * @param strength how much of the flow an edit runs from its noised picture, {@code (0, 1]}: near 0
 *     hardly changes it; only edits have it. Default: all of it, from pure noise
 * @param priority {@code [-100, 100]}: of the calls that wait for the model the one of the highest
 *     is started first; default 0
 * @param deadline how long a call may take, waiting included, all of its pictures together; above
 *     zero, at most 365 days, in whole milliseconds, rounded up. Default: as long as it takes
 */
public record Blip3oImageOptions(
    OptionalLong seed,
    OptionalInt steps,
    OptionalDouble guidance,
    OptionalDouble temperature,
    OptionalInt topK,
    OptionalDouble topP,
    List<Integer> tokens,
    OptionalDouble strength,
    OptionalInt priority,
    Optional<Duration> deadline) {

  /** Checks that nothing is null; {@link Builder#build} checks the ranges, and so does a call. */
  public Blip3oImageOptions {
    Objects.requireNonNull(seed, "seed");
    Objects.requireNonNull(steps, "steps");
    Objects.requireNonNull(guidance, "guidance");
    Objects.requireNonNull(temperature, "temperature");
    Objects.requireNonNull(topK, "topK");
    Objects.requireNonNull(topP, "topP");
    tokens = List.copyOf(tokens);
    Objects.requireNonNull(strength, "strength");
    Objects.requireNonNull(priority, "priority");
    Objects.requireNonNull(deadline, "deadline");
  }

  /** A builder of options that say nothing yet. */
  public static Builder builder() {
    return new Builder();
  }

  /** A builder that starts from these options. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.seed = seed;
    builder.steps = steps;
    builder.guidance = guidance;
    builder.temperature = temperature;
    builder.topK = topK;
    builder.topP = topP;
    builder.tokens = tokens;
    builder.strength = strength;
    builder.priority = priority;
    builder.deadline = deadline;
    return builder;
  }

  /** These options, and those of {@code defaults} where these say nothing. */
  Blip3oImageOptions over(Blip3oImageOptions defaults) {
    return new Blip3oImageOptions(
        seed.isPresent() ? seed : defaults.seed,
        steps.isPresent() ? steps : defaults.steps,
        guidance.isPresent() ? guidance : defaults.guidance,
        temperature.isPresent() ? temperature : defaults.temperature,
        topK.isPresent() ? topK : defaults.topK,
        topP.isPresent() ? topP : defaults.topP,
        tokens.isEmpty() ? defaults.tokens : tokens,
        strength.isPresent() ? strength : defaults.strength,
        priority.isPresent() ? priority : defaults.priority,
        deadline.or(defaults::deadline));
  }

  /** Sets what every request has: all but {@link #strength}. */
  void set(PictureRequest.Builder<?> request) {
    seed.ifPresent(request::seed);
    steps.ifPresent(request::steps);
    guidance.ifPresent(request::guidance);
    temperature.ifPresent(request::temperature);
    topK.ifPresent(request::topK);
    topP.ifPresent(request::topP);
    if (!tokens.isEmpty()) {
      request.tokens(tokens.stream().mapToInt(Integer::intValue).toArray());
    }
    priority.ifPresent(request::priority);
    deadline.ifPresent(request::deadline);
  }

  /** Sets what an edit has. */
  void set(EditRequest.Builder request) {
    set((PictureRequest.Builder<?>) request);
    strength.ifPresent(request::strength);
  }

  /** Builds {@link Blip3oImageOptions}. Not safe for use by several threads at once. */
  public static final class Builder {
    private OptionalLong seed = OptionalLong.empty();
    private OptionalInt steps = OptionalInt.empty();
    private OptionalDouble guidance = OptionalDouble.empty();
    private OptionalDouble temperature = OptionalDouble.empty();
    private OptionalInt topK = OptionalInt.empty();
    private OptionalDouble topP = OptionalDouble.empty();
    private List<Integer> tokens = List.of();
    private OptionalDouble strength = OptionalDouble.empty();
    private OptionalInt priority = OptionalInt.empty();
    private Optional<Duration> deadline = Optional.empty();

    private Builder() {}

    /** Sets the first picture's seed; any number. */
    public Builder seed(long seed) {
      this.seed = OptionalLong.of(seed);
      return this;
    }

    /** Sets the number of denoising steps, {@code [1, 1000]}. */
    public Builder steps(int steps) {
      this.steps = OptionalInt.of(steps);
      return this;
    }

    /** Sets how strongly the picture follows the prompt, {@code [1, 100]}. */
    public Builder guidance(double guidance) {
      this.guidance = OptionalDouble.of(guidance);
      return this;
    }

    /** Sets the temperature of the image tokens, 0 (greedy) or more. */
    public Builder temperature(double temperature) {
      this.temperature = OptionalDouble.of(temperature);
      return this;
    }

    /** Sets how many of the likeliest image tokens may be drawn; 0: all. */
    public Builder topK(int topK) {
      this.topK = OptionalInt.of(topK);
      return this;
    }

    /** Sets the probability mass of image tokens that may be drawn, {@code (0, 1]}. */
    public Builder topP(double topP) {
      this.topP = OptionalDouble.of(topP);
      return this;
    }

    /** Sets the image tokens to keep; none: they are drawn. */
    public Builder tokens(List<Integer> tokens) {
      this.tokens = List.copyOf(tokens);
      return this;
    }

    /** Sets how much of the flow an edit runs from its noised picture, {@code (0, 1]}. */
    public Builder strength(double strength) {
      this.strength = OptionalDouble.of(strength);
      return this;
    }

    /** Sets the priority, {@code [-100, 100]}: whatever is higher is started first. */
    public Builder priority(int priority) {
      this.priority = OptionalInt.of(priority);
      return this;
    }

    /** Sets how long a call may take; above zero, at most 365 days. */
    public Builder deadline(Duration deadline) {
      this.deadline = Optional.of(deadline);
      return this;
    }

    /**
     * Builds the options.
     *
     * @throws dev.langchain4j.exception.InvalidRequestException if one is out of its range
     */
    public Blip3oImageOptions build() {
      Blip3oImageOptions options =
          new Blip3oImageOptions(
              seed, steps, guidance, temperature, topK, topP, tokens, strength, priority, deadline);
      Failures.translated(() -> sampleRequest(options));
      return options;
    }

    /** The ranges are a request's, which checks them: of any text and picture. */
    private static EditRequest sampleRequest(Blip3oImageOptions options) {
      EditRequest.Builder request =
          EditRequest.builder("any", InputImage.ofGray(1, 1, new byte[1]));
      options.set(request);
      return request.build();
    }
  }
}
