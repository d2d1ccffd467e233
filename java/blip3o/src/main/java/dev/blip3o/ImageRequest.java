package dev.blip3o;

import java.util.Locale;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * A request for pictures. What is left empty is taken from the checkpoint when the request runs.
 *
 * @param prompt what to draw; at least one character that is not white space. Special tokens
 *     spelled in it stay text
 * @param seed the first picture's seed, all 64 bits of it; picture k (from 0) has {@code seed + k}.
 *     Empty: drawn at random and reported by {@link GeneratedImage#seed}. Equal requests with equal
 *     seeds give equal pictures
 * @param count how many pictures, {@code [1, 10000]}
 * @param steps denoising steps, {@code [1, 1000]}; default 30
 * @param guidance classifier-free guidance, {@code [1, 100]}; 1: none, for half the work; default
 *     2.0
 * @param temperature of the image tokens, 0 (greedy) or more
 * @param topK how many of the likeliest image tokens may be drawn; 0: all
 * @param topP the probability mass of image tokens that may be drawn, {@code (0, 1]}
 */
public record ImageRequest(
    String prompt,
    OptionalLong seed,
    int count,
    OptionalInt steps,
    OptionalDouble guidance,
    OptionalDouble temperature,
    OptionalInt topK,
    OptionalDouble topP) {

  /** The most pictures that one request can ask for. */
  public static final int MAX_COUNT = 10_000;

  /** The most denoising steps. */
  public static final int MAX_STEPS = 1000;

  /** The largest guidance. */
  public static final double MAX_GUIDANCE = 100;

  /**
   * Checks the request.
   *
   * @throws InvalidRequestException if the prompt is empty or a number is out of its range
   */
  public ImageRequest {
    checkPrompt(prompt);
    Objects.requireNonNull(seed, "seed");
    Checks.range("count", count, 1, MAX_COUNT);
    steps.ifPresent(value -> Checks.range("steps", value, 1, MAX_STEPS));
    guidance.ifPresent(value -> Checks.range("guidance", value, 1, MAX_GUIDANCE));
    temperature.ifPresent(value -> Checks.range("temperature", value, 0, Float.MAX_VALUE));
    topK.ifPresent(value -> Checks.range("topK", value, 0, Integer.MAX_VALUE));
    topP.ifPresent(ImageRequest::checkTopP);
  }

  /** A request for one picture of {@code prompt} with the checkpoint's defaults. */
  public static ImageRequest of(String prompt) {
    return builder(prompt).build();
  }

  /** A builder for a request of {@code prompt}. */
  public static Builder builder(String prompt) {
    return new Builder(prompt);
  }

  /** A builder that starts from this request. */
  public Builder toBuilder() {
    Builder builder = new Builder(prompt);
    builder.seed = seed;
    builder.count = count;
    builder.steps = steps;
    builder.guidance = guidance;
    builder.temperature = temperature;
    builder.topK = topK;
    builder.topP = topP;
    return builder;
  }

  static void checkPrompt(String prompt) {
    Objects.requireNonNull(prompt, "prompt");
    if (prompt.isBlank()) {
      throw new InvalidRequestException(
          "the prompt is empty: say in a few words what the picture shows");
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
                "the prompt holds half of a character (U+%04X) at index %d: it is no valid Unicode",
                (int) unit,
                i));
      }
      i++;
    }
  }

  private static void checkTopP(double value) {
    // As the float that the library computes with, so that 1e-60 is not a silent zero.
    if (!((float) value > 0 && value <= 1)) {
      throw new InvalidRequestException("topP must be above 0 and at most 1, but is " + value);
    }
  }

  /** Builds an {@link ImageRequest}. Not safe for use by several threads at once. */
  public static final class Builder {
    private final String prompt;
    private OptionalLong seed = OptionalLong.empty();
    private int count = 1;
    private OptionalInt steps = OptionalInt.empty();
    private OptionalDouble guidance = OptionalDouble.empty();
    private OptionalDouble temperature = OptionalDouble.empty();
    private OptionalInt topK = OptionalInt.empty();
    private OptionalDouble topP = OptionalDouble.empty();

    private Builder(String prompt) {
      this.prompt = prompt;
    }

    /** Sets the first picture's seed. */
    public Builder seed(long seed) {
      this.seed = OptionalLong.of(seed);
      return this;
    }

    /** Sets how many pictures are made. */
    public Builder count(int count) {
      this.count = count;
      return this;
    }

    /** Sets the number of denoising steps. */
    public Builder steps(int steps) {
      this.steps = OptionalInt.of(steps);
      return this;
    }

    /** Sets the guidance. */
    public Builder guidance(double guidance) {
      this.guidance = OptionalDouble.of(guidance);
      return this;
    }

    /** Sets the temperature; 0: greedy. */
    public Builder temperature(double temperature) {
      this.temperature = OptionalDouble.of(temperature);
      return this;
    }

    /** Sets top-k; 0: all. */
    public Builder topK(int topK) {
      this.topK = OptionalInt.of(topK);
      return this;
    }

    /** Sets top-p. */
    public Builder topP(double topP) {
      this.topP = OptionalDouble.of(topP);
      return this;
    }

    /**
     * Builds the request.
     *
     * @throws InvalidRequestException if the prompt is empty or a number is out of its range
     */
    public ImageRequest build() {
      return new ImageRequest(prompt, seed, count, steps, guidance, temperature, topK, topP);
    }
  }
}
