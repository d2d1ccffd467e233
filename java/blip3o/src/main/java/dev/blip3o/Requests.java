package dev.blip3o;

import dev.blip3o.internal.JobSpec;
import java.util.concurrent.ThreadLocalRandom;

/** Fills what a request leaves open. */
final class Requests {
  /** Random seeds are short enough to be read out and typed again. */
  private static final long RANDOM_SEEDS = 1L << 32;

  private Requests() {}

  /** Checks that {@code request} asks for one picture. */
  static void single(ImageRequest request, String method) {
    if (request.count() != 1) {
      throw new InvalidRequestException(
          method
              + " makes one picture, but the request's count is "
              + request.count()
              + "; use generateAll");
    }
  }

  /** The same request with the seed drawn and every default of the model filled in. */
  static ImageRequest resolve(ImageRequest request, ModelInfo info) {
    return request.toBuilder()
        .seed(request.seed().orElseGet(() -> ThreadLocalRandom.current().nextLong(RANDOM_SEEDS)))
        .steps(request.steps().orElse(info.defaultSteps()))
        .guidance(request.guidance().orElse(info.defaultGuidance()))
        .temperature(request.temperature().orElse(info.defaultTemperature()))
        .topK(request.topK().orElse(info.defaultTopK()))
        .topP(request.topP().orElse(info.defaultTopP()))
        .build();
  }

  /** The resolved request of picture {@code k} of a resolved request. */
  static ImageRequest picture(ImageRequest resolved, int k) {
    return resolved.toBuilder().seed(resolved.seed().getAsLong() + k).count(1).build();
  }

  /** Sets the numbers of a resolved request. */
  static void fill(JobSpec spec, ImageRequest resolved) {
    spec.seed(resolved.seed().getAsLong())
        .sampling(
            resolved.temperature().getAsDouble(),
            resolved.topK().getAsInt(),
            resolved.topP().getAsDouble())
        .flow(resolved.steps().getAsInt(), resolved.guidance().getAsDouble());
  }
}
