package dev.blip3o;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A request for every tensor of one greedy run, for parity with a reference.
 *
 * @param prompt what to draw, or an edit's instruction
 * @param noise where the diffusion starts, {@code [c, h, w]}
 * @param steps denoising steps, {@code [1, 1000]}; empty: 30
 * @param guidance {@code [1, 100]}; empty: 2.0
 * @param references the reference pictures of an edit, at most 16; empty: text to image
 */
public record TraceRequest(
    String prompt,
    Noise noise,
    Optional<Integer> steps,
    Optional<Double> guidance,
    List<InputImage> references) {
  /**
   * Checks the request.
   *
   * @throws InvalidRequestException if the prompt is empty, a number is out of its range, or there
   *     are too many references
   */
  public TraceRequest {
    references = Checks.copy("references", references);
    PictureRequest.checkPrompt(
        references.isEmpty() ? PictureRequest.PROMPT : PictureRequest.INSTRUCTION, prompt);
    Objects.requireNonNull(noise, "noise");
    steps.ifPresent(value -> Checks.range("steps", value, 1, PictureRequest.MAX_STEPS));
    guidance.ifPresent(value -> Checks.range("guidance", value, 1, PictureRequest.MAX_GUIDANCE));
    EditRequest.checkReferences(references);
  }

  /** Text to image. */
  public TraceRequest(
      String prompt, Noise noise, Optional<Integer> steps, Optional<Double> guidance) {
    this(prompt, noise, steps, guidance, List.of());
  }

  /** A request with explicit steps and guidance; an edit where there are references. */
  public static TraceRequest of(
      String prompt, Noise noise, int steps, double guidance, InputImage... references) {
    return new TraceRequest(
        prompt, noise, Optional.of(steps), Optional.of(guidance), List.of(references));
  }
}
