package dev.blip3o;

import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/**
 * How a model is opened.
 *
 * @param diffusionDirectory the diffusers directory; empty: from {@code diffusion_name_or_path} in
 *     the checkpoint's {@code config.json}
 * @param threads worker threads for the compute; 0: one per processor that this process may use
 * @param compute the type in which products are computed
 * @param memoryLimitBytes limit for everything but mapped weights; 0: what the machine has free
 */
public record ModelOptions(
    Optional<Path> diffusionDirectory, int threads, Compute compute, long memoryLimitBytes) {

  /** The largest number of threads that can be asked for. */
  public static final int MAX_THREADS = 1024;

  /**
   * Checks the options.
   *
   * @throws InvalidRequestException if an option is out of its range
   */
  public ModelOptions {
    Objects.requireNonNull(diffusionDirectory, "diffusionDirectory");
    Objects.requireNonNull(compute, "compute");
    Checks.range("threads", threads, 0, MAX_THREADS);
    if (memoryLimitBytes < 0) {
      throw new InvalidRequestException(
          "memoryLimitBytes must be 0 (what the machine has free) or more, but is "
              + memoryLimitBytes);
    }
  }

  /** The defaults: everything as the checkpoint and the machine suggest. */
  public static ModelOptions defaults() {
    return builder().build();
  }

  /** A builder that starts from the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** Builds {@link ModelOptions}. Not safe for use by several threads at once. */
  public static final class Builder {
    private Path diffusionDirectory;
    private int threads;
    private Compute compute = Compute.AUTO;
    private long memoryLimitBytes;

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

    /** Sets the memory limit in bytes; 0: what the machine has free. */
    public Builder memoryLimitBytes(long bytes) {
      this.memoryLimitBytes = bytes;
      return this;
    }

    /**
     * Builds the options.
     *
     * @throws InvalidRequestException if an option is out of its range
     */
    public ModelOptions build() {
      return new ModelOptions(
          Optional.ofNullable(diffusionDirectory), threads, compute, memoryLimitBytes);
    }
  }
}
