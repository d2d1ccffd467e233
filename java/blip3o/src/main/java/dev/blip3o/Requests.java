package dev.blip3o;

import dev.blip3o.internal.Durations;
import dev.blip3o.internal.JobSpec;
import dev.blip3o.internal.JobStage;
import dev.blip3o.internal.JobValue;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** Checks requests, fills what they leave open, and turns them into jobs. */
final class Requests {
  /** Random seeds are short enough to be read out and typed again. */
  private static final long RANDOM_SEEDS = 1L << 32;

  private Requests() {}

  /** Checks that {@code request} asks for one picture. */
  static void single(PictureRequest request, String method, String other) {
    if (request.count() != 1) {
      throw new InvalidRequestException(
          method + " makes one picture, but the request's count is " + request.count() + other);
    }
  }

  /** Checks that the checkpoint in {@code directory} can serve {@code request}. */
  static void check(PictureRequest request, Capabilities capabilities, Path directory) {
    if (!request.pictures().isEmpty()) {
      Capabilities.require(capabilities.editingLacks(), directory);
    }
    if (request.initial().isPresent()) {
      Capabilities.require(capabilities.referenceLatentsLack(), directory);
    }
  }

  /** The same request with the seed drawn and every default of the model filled in. */
  static PictureRequest resolve(PictureRequest request, ModelInfo info) {
    PictureRequest.Builder<?> builder = request.toBuilder();
    builder.seed(
        request.seed().orElseGet(() -> ThreadLocalRandom.current().nextLong(RANDOM_SEEDS)));
    builder.steps(request.steps().orElse(info.defaultSteps()));
    builder.guidance(request.guidance().orElse(info.defaultGuidance()));
    builder.temperature(request.temperature().orElse(info.defaultTemperature()));
    builder.topK(request.topK().orElse(info.defaultTopK()));
    builder.topP(request.topP().orElse(info.defaultTopP()));
    return builder.build();
  }

  /** The resolved request of picture {@code k} of a resolved request. */
  static PictureRequest picture(PictureRequest resolved, int k) {
    return resolved.toBuilder().seed(resolved.seed().getAsLong() + k).count(1).build();
  }

  /** A job for all of a request, of {@code prompt} ids. */
  static JobSpec spec(PictureRequest resolved, int[] prompt, JobValue... outputs) {
    boolean pictures = !resolved.pictures().isEmpty() || resolved.initial().isPresent();
    JobSpec spec =
        new JobSpec(pictures ? JobStage.REFERENCES : JobStage.TOKENS, JobStage.PIXELS, outputs)
            .prompt(prompt);
    fill(spec, resolved);
    spec.previewSteps(resolved.previewEvery());
    references(spec, resolved.pictures());
    resolved
        .initial()
        .ifPresent(
            image ->
                spec.initial(image.array(), image.shape()).strength(resolved.strength().orElse(1)));
    resolved.mask().ifPresent(mask -> spec.mask(mask.luma(), mask.height(), mask.width()));
    return spec;
  }

  /** Sets the numbers and the tokens of a resolved request, its priority and its deadline. */
  static void fill(JobSpec spec, PictureRequest resolved) {
    spec.seed(resolved.seed().getAsLong())
        .sampling(
            resolved.temperature().getAsDouble(),
            resolved.topK().getAsInt(),
            resolved.topP().getAsDouble())
        .flow(resolved.steps().getAsInt(), resolved.guidance().getAsDouble());
    resolved.tokens().ifPresent(spec::tokens);
    spec.priority(resolved.priority());
    resolved.deadline().ifPresent(deadline -> spec.deadlineMillis(Durations.millis(deadline)));
  }

  /** Sets reference pictures. */
  static JobSpec references(JobSpec spec, List<InputImage> pictures) {
    pictures.forEach(picture -> spec.reference(picture.array(), picture.shape()));
    return spec;
  }
}
