package dev.blip3o;

import dev.blip3o.internal.Durations;
import dev.blip3o.internal.JobOutputs;
import dev.blip3o.internal.JobSpec;
import dev.blip3o.internal.JobValue;
import java.time.Duration;

/**
 * The jobs of one request for pictures: checked once, its prompt encoded once, submitted picture by
 * picture.
 */
final class PictureJobs {
  private final Stopwatch watch;
  private final PictureRequest resolved;
  private final int[] prompt;
  private final Duration tokenizing;
  private final Jobs jobs;

  /**
   * Checks a request against an open model.
   *
   * @throws Blip3oException where the model can't serve it
   */
  PictureJobs(PictureRequest request, ModelStages stages, ModelInfo info, Jobs jobs) {
    this.watch = new Stopwatch();
    this.jobs = jobs;
    Requests.check(request, stages.capabilities(), info.directory());
    request.tokens().ifPresent(stages::checkTokens);
    this.resolved = Requests.resolve(request, info);
    this.prompt = stages.promptIds(request.prompt(), request.pictures().size());
    this.tokenizing = watch.elapsed();
  }

  /** How many pictures the request asks for. */
  int count() {
    return resolved.count();
  }

  /** The request of picture {@code k} alone. */
  PictureRequest request(int k) {
    return Requests.picture(resolved, k);
  }

  /** What will become of picture {@code k}, whose request is {@code request}. */
  JobRun<GeneratedImage> run(int k, PictureRequest request) {
    Stopwatch own = k == 0 ? watch : new Stopwatch();
    Duration ownTokenizing = k == 0 ? tokenizing : Duration.ZERO;
    return new JobRun<>(outputs -> image(request, outputs, own, ownTokenizing), k, count());
  }

  /** Submits picture {@code k} and returns at once. */
  PictureJob submit(int k, Callbacks callbacks) {
    PictureRequest request = request(k);
    JobRun<GeneratedImage> run = run(k, request);
    return new PictureJob(request, run, jobs.submit(spec(request), run), callbacks);
  }

  /** Submits picture {@code k} for a thread that will wait for it. */
  WaitedJob<GeneratedImage> submit(int k, Waiter waiter) {
    PictureRequest request = request(k);
    return jobs.submit(spec(request), run(k, request), k, waiter);
  }

  private JobSpec spec(PictureRequest request) {
    JobSpec spec = Requests.spec(request, prompt, outputs(request));
    request.deadline().ifPresent(deadline -> spec.deadlineMillis(millisLeft(deadline)));
    return spec;
  }

  private static JobValue[] outputs(PictureRequest request) {
    return request.logProbabilities()
        ? new JobValue[] {JobValue.TOKENS, JobValue.PIXELS, JobValue.LOG_PROBABILITIES}
        : new JobValue[] {JobValue.TOKENS, JobValue.PIXELS};
  }

  /** The deadline is that of all pictures; one that has passed is left to the native library. */
  private long millisLeft(Duration deadline) {
    return Math.max(1, Durations.millis(deadline.minus(watch.elapsed())));
  }

  private static GeneratedImage image(
      PictureRequest request, JobOutputs outputs, Stopwatch watch, Duration tokenizing) {
    int[] tokens = outputs.ints(JobValue.TOKENS);
    LogProbabilities logProbabilities =
        outputs.has(JobValue.LOG_PROBABILITIES)
            ? LogProbabilities.owning(outputs.floats(JobValue.LOG_PROBABILITIES), tokens.length)
            : null;
    return new GeneratedImage(
        ModelStages.pixels(outputs),
        request,
        tokens,
        watch.timings(outputs, tokenizing),
        logProbabilities,
        outputs.languageVersion());
  }
}
