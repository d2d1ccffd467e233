package dev.blip3o;

import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;

/**
 * How a model is opened.
 *
 * @param diffusionDirectory the diffusers directory; empty: from {@code diffusion_name_or_path} in
 *     the checkpoint's {@code config.json}
 * @param threads worker threads for the compute; 0: one per processor that this process may use
 * @param compute the type in which products are computed
 * @param device what computes
 * @param quantization what is kept in 8 bits; empty: nothing
 * @param memoryLimitBytes limit for everything but mapped weights; 0: what the machine has free
 * @param queueLimit how many requests may wait to be started, at most; one more is refused with
 *     {@link QueueFullException}; 0: 256
 * @param latencyTarget how long a request that draws tokens may wait for its next one while the
 *     prompts of others are computed, as far as that can be kept: the smaller, the longer wait
 *     newcomers' prompts; in whole milliseconds, rounded up; zero: 200 ms
 * @param executor calls the subscribers of {@link PictureJob#events} and the dependent stages of
 *     {@link PictureJob#result}; empty: {@link ForkJoinPool#commonPool}. It must take tasks without
 *     waiting and run them on other threads than the one that gives them
 */
public record ModelOptions(
    Optional<Path> diffusionDirectory,
    int threads,
    Compute compute,
    Device device,
    Set<Quantization> quantization,
    long memoryLimitBytes,
    int queueLimit,
    Duration latencyTarget,
    Optional<Executor> executor) {

  /** The largest number of threads that can be asked for. */
  public static final int MAX_THREADS = 1024;

  /** The largest queue limit that can be asked for. */
  public static final int MAX_QUEUE_LIMIT = 1 << 20;

  /** The longest latency target. */
  public static final Duration MAX_LATENCY_TARGET = Duration.ofHours(1);

  /**
   * Checks the options.
   *
   * @throws InvalidRequestException if an option is out of its range
   */
  public ModelOptions {
    Objects.requireNonNull(diffusionDirectory, "diffusionDirectory");
    Objects.requireNonNull(compute, "compute");
    Objects.requireNonNull(device, "device");
    quantization = Set.copyOf(quantization);
    Checks.range("threads", threads, 0, MAX_THREADS);
    if (memoryLimitBytes < 0) {
      throw new InvalidRequestException(
          "memoryLimitBytes must be 0 (what the machine has free) or more, but is "
              + memoryLimitBytes);
    }
    Checks.range("queueLimit", queueLimit, 0, MAX_QUEUE_LIMIT);
    Objects.requireNonNull(latencyTarget, "latencyTarget");
    Checks.range("latencyTarget", latencyTarget, Duration.ZERO, MAX_LATENCY_TARGET);
    Objects.requireNonNull(executor, "executor");
  }

  /** The defaults: everything as the checkpoint and the machine suggest. */
  public static ModelOptions defaults() {
    return builder().build();
  }

  /** A builder that starts from the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** A builder that starts from these options. */
  public Builder toBuilder() {
    return builder()
        .diffusionDirectory(diffusionDirectory.orElse(null))
        .threads(threads)
        .compute(compute)
        .device(device)
        .quantization(quantization.toArray(Quantization[]::new))
        .memoryLimitBytes(memoryLimitBytes)
        .queueLimit(queueLimit)
        .latencyTarget(latencyTarget)
        .executor(executor.orElse(null));
  }

  /** Builds {@link ModelOptions}. Not safe for use by several threads at once. */
  public static final class Builder {
    private Path diffusionDirectory;
    private int threads;
    private Compute compute = Compute.AUTO;
    private Device device = Device.AUTO;
    private Set<Quantization> quantization = Set.of();
    private long memoryLimitBytes;
    private int queueLimit;
    private Duration latencyTarget = Duration.ZERO;
    private Executor executor;

    private Builder() {}

    /** Sets the diffusers directory; null: the checkpoint's own. */
    public Builder diffusionDirectory(Path directory) {
      this.diffusionDirectory = directory;
      return this;
    }

    /** Sets the number of worker threads; 0: one per processor. */
    public Builder threads(int threads) {
      this.threads = threads;
      return this;
    }

    /** Sets the compute type. */
    public Builder compute(Compute compute) {
      this.compute = compute;
      return this;
    }

    /** Sets what computes. */
    public Builder device(Device device) {
      this.device = device;
      return this;
    }

    /** Sets what is kept in 8 bits, in place of what was set before; none: nothing. */
    public Builder quantization(Quantization... parts) {
      Set<Quantization> chosen = EnumSet.noneOf(Quantization.class);
      chosen.addAll(List.of(parts));
      this.quantization = chosen;
      return this;
    }

    /** Sets the memory limit in bytes; 0: what the machine has free. */
    public Builder memoryLimitBytes(long bytes) {
      this.memoryLimitBytes = bytes;
      return this;
    }

    /** Sets how many requests may wait to be started; 0: the default. */
    public Builder queueLimit(int requests) {
      this.queueLimit = requests;
      return this;
    }

    /** Sets how long a request may wait for its next token; zero: the default. */
    public Builder latencyTarget(Duration target) {
      this.latencyTarget = target;
      return this;
    }

    /** Sets what calls subscribers and dependent stages; null: the common pool. */
    public Builder executor(Executor executor) {
      this.executor = executor;
      return this;
    }

    /**
     * Builds the options.
     *
     * @throws InvalidRequestException if an option is out of its range
     */
    public ModelOptions build() {
      return new ModelOptions(
          Optional.ofNullable(diffusionDirectory),
          threads,
          compute,
          device,
          quantization,
          memoryLimitBytes,
          queueLimit,
          latencyTarget,
          Optional.ofNullable(executor));
    }
  }
}
