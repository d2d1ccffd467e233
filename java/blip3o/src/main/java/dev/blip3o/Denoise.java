package dev.blip3o;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What the flow is solved from, for {@link Stages#denoise(Denoise)}. Text to image needs a
 * condition and noise; an edit adds its references, image to image an initial picture's latents.
 *
 * @param condition {@code [M, C]}; needs its null row unless guidance is 1
 * @param references latents {@code [c, h, w]} of an edit's reference pictures, in their order;
 *     empty: text to image
 * @param noise {@code [c, h, w]}
 * @param initial latents {@code [c, h, w]} to start from, noised; empty: from pure noise
 * @param strength how much of the flow runs, {@code (0, 1]}: the last {@code round(strength *
 *     steps)} steps, at least one; below 1 needs {@code initial}
 * @param steps {@code [1, 1000]}
 * @param guidance {@code [1, 100]}; 1: no guidance, half the work
 */
public record Denoise(
    Condition condition,
    List<Latents> references,
    Noise noise,
    Optional<Latents> initial,
    double strength,
    int steps,
    double guidance) {

  /** Steps where none are set. */
  public static final int DEFAULT_STEPS = 30;

  /** Guidance where none is set. */
  public static final double DEFAULT_GUIDANCE = 2.0;

  /**
   * Copies the list and checks what needs no model.
   *
   * @throws InvalidRequestException if a number is out of its range, or strength or guidance lacks
   *     the value that it needs
   */
  public Denoise {
    Objects.requireNonNull(condition, "condition");
    references = Checks.copy("references", references);
    Objects.requireNonNull(noise, "noise");
    Objects.requireNonNull(initial, "initial");
    Checks.share("strength", strength);
    Checks.range("steps", steps, 1, PictureRequest.MAX_STEPS);
    Checks.range("guidance", guidance, 1, PictureRequest.MAX_GUIDANCE);
    if (strength < 1 && initial.isEmpty()) {
      throw new InvalidRequestException(
          "strength " + strength + " needs initial latents to start from, but there are none");
    }
    if (condition.nullRow().isEmpty() && (float) guidance != 1) {
      throw new InvalidRequestException(
          "guidance " + guidance + " needs a condition with a null row, but this one has none");
    }
  }

  /** A builder; steps are 30, guidance is 2.0, and the flow starts from pure noise. */
  public static Builder builder(Condition condition, Noise noise) {
    return new Builder(condition, noise);
  }

  /** Builds a {@link Denoise}. Not safe for use by several threads at once. */
  public static final class Builder {
    private final Condition condition;
    private final Noise noise;
    private List<Latents> references = List.of();
    private Optional<Latents> initial = Optional.empty();
    private double strength = 1;
    private int steps = DEFAULT_STEPS;
    private double guidance = DEFAULT_GUIDANCE;

    private Builder(Condition condition, Noise noise) {
      this.condition = condition;
      this.noise = noise;
    }

    /** Sets the latents of an edit's reference pictures. */
    public Builder references(List<Latents> references) {
      this.references = Checks.copy("references", references);
      return this;
    }

    /**
     * Starts from these latents, noised to the first sigma of the last {@code round(strength *
     * steps)} steps, of which at least one runs.
     */
    public Builder initial(Latents initial, double strength) {
      this.initial = Optional.of(Objects.requireNonNull(initial, "initial"));
      this.strength = strength;
      return this;
    }

    /** Sets the number of steps. */
    public Builder steps(int steps) {
      this.steps = steps;
      return this;
    }

    /** Sets the guidance. */
    public Builder guidance(double guidance) {
      this.guidance = guidance;
      return this;
    }

    /**
     * Builds it.
     *
     * @throws InvalidRequestException as the constructor
     */
    public Denoise build() {
      return new Denoise(condition, references, noise, initial, strength, steps, guidance);
    }
  }
}
