package dev.blip3o.spring;

import dev.blip3o.PictureRequest;
import java.time.Duration;

/**
 * The properties {@code blip3o.image.*}: what holds for prompts whose options don't say otherwise.
 * What is not set is null, and what the checkpoint does.
 *
 * @param count How many pictures a prompt makes, 1 to 10000; 1 by default.
 * @param seed Seed of a prompt's first picture; drawn at random by default.
 * @param steps Denoising steps, 1 to 1000; the checkpoint's by default.
 * @param guidanceScale Classifier-free guidance, 1 (none) to 100; the checkpoint's by default.
 * @param temperature Temperature of the image tokens, 0 (greedy) or more; the checkpoint's by
 *     default.
 * @param topK How many of the likeliest image tokens may be drawn; 0 is all; the checkpoint's by
 *     default.
 * @param topP Probability mass of image tokens that may be drawn, above 0 to 1; the checkpoint's by
 *     default.
 * @param priority Of pictures that wait those of the highest priority are started first, -100 to
 *     100; 0 by default.
 * @param deadline How long a prompt may take, above 0 to 365 days; as long as it takes by default.
 */
public record ImageProperties(
    Integer count,
    Long seed,
    Integer steps,
    Double guidanceScale,
    Double temperature,
    Integer topK,
    Double topP,
    Integer priority,
    Duration deadline) {

  /**
   * Checks the ranges.
   *
   * @throws
   *     org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException
   *     if a value is out of its range
   */
  public ImageProperties {
    PropertyChecks.range("blip3o.image.count", count, 1, PictureRequest.MAX_COUNT);
    PropertyChecks.range("blip3o.image.steps", steps, 1, PictureRequest.MAX_STEPS);
    PropertyChecks.range(
        "blip3o.image.guidance-scale", guidanceScale, 1.0, PictureRequest.MAX_GUIDANCE);
    PropertyChecks.range("blip3o.image.temperature", temperature, 0.0, (double) Float.MAX_VALUE);
    PropertyChecks.range("blip3o.image.top-k", topK, 0, Integer.MAX_VALUE);
    PropertyChecks.share("blip3o.image.top-p", topP);
    PropertyChecks.range(
        "blip3o.image.priority",
        priority,
        -PictureRequest.MAX_PRIORITY,
        PictureRequest.MAX_PRIORITY);
    PropertyChecks.range(
        "blip3o.image.deadline", deadline, Duration.ofNanos(1), PictureRequest.MAX_DEADLINE);
  }
}
