package dev.blip3o;

import java.util.Objects;
import java.util.Optional;

/**
 * A request for every tensor of one greedy run, for parity with a reference.
 *
 * @param prompt what to draw
 * @param noise where the diffusion starts, {@code [c, h, w]}
 * @param steps denoising steps, {@code [1, 1000]}; empty: 30
 * @param guidance {@code [1, 100]}; empty: 2.0
 */
public record TraceRequest(
    String prompt, Noise noise, Optional<Integer> steps, Optional<Double> guidance) {
  /**
   * Checks the request.
   *
   * @throws InvalidRequestException if the prompt is empty or a number is out of its range
   */
  public TraceRequest {
    ImageRequest.checkPrompt(prompt);
    Objects.requireNonNull(noise, "noise");
    steps.ifPresent(value -> Checks.range("steps", value, 1, ImageRequest.MAX_STEPS));
    guidance.ifPresent(value -> Checks.range("guidance", value, 1, ImageRequest.MAX_GUIDANCE));
  }

  /** A request with explicit steps and guidance. */
  public static TraceRequest of(String prompt, Noise noise, int steps, double guidance) {
    return new TraceRequest(prompt, noise, Optional.of(steps), Optional.of(guidance));
  }
}
