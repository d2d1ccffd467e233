package dev.blip3o.cli;

import dev.blip3o.ImageRequest;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * What {@code bench serve} asks of a model. Request i, from 0, has the prompts' text i (after the
 * last comes the first again) and the seed {@code seed + i}.
 *
 * @param concurrency how many requests there are at once in the second part; in the first, in all
 * @param rounds how often the first two parts are run
 * @param requests how many requests arrive in the third part
 * @param rate how many of them a second; empty: from what was measured
 * @param steps denoising steps; empty: the checkpoint's
 * @param guidance empty: the checkpoint's
 * @param seed of the first request, and of the arrival times
 * @param deadline of each request of the third part
 */
record ServeSettings(
    BenchPrompts prompts,
    int concurrency,
    int rounds,
    int requests,
    OptionalDouble rate,
    OptionalInt steps,
    OptionalDouble guidance,
    long seed,
    Optional<Duration> deadline) {

  /** Request {@code index} without a deadline. */
  ImageRequest closed(int index) {
    return builder(index).build();
  }

  /** Request {@code index} as it arrives in the third part. */
  ImageRequest open(int index) {
    ImageRequest.Builder request = builder(index);
    deadline.ifPresent(request::deadline);
    return request.build();
  }

  private ImageRequest.Builder builder(int index) {
    ImageRequest.Builder request =
        ImageRequest.builder(prompts.texts().get(index % prompts.texts().size()));
    steps.ifPresent(request::steps);
    guidance.ifPresent(request::guidance);
    return request.seed(seed + index);
  }
}
