package dev.blip3o;

import java.time.Duration;
import java.util.Objects;

/**
 * What a model has done since it was opened, and what it holds now. All of it was read at one
 * moment; {@code submitted = queued + running + done + failed + cancelled + expired}.
 *
 * @param healthy false once the device was lost: every request fails with {@link
 *     DeviceLostException} until the process is restarted
 * @param queued requests that wait to be started, now
 * @param running requests that were started and have not ended, now
 * @param memoryInUseBytes of requests, workspaces, caches and constants, now; not of mapped weights
 * @param memoryPeakBytes the most that it was
 * @param memoryLimitBytes what it may become: the limit that was set, else what the machine has
 *     free
 * @param memoryBlocks pieces of memory held; equal at equal load, whatever was run between
 * @param submitted requests that were taken
 * @param refused requests that were not, since the queue was full
 * @param done requests that ended well
 * @param failed requests that failed, other than by their deadlines
 * @param cancelled requests that were cancelled
 * @param expired requests that were ended by their deadlines
 * @param queueTime from submission to start, summed over the {@code started} requests
 * @param started requests that were started
 * @param firstTokenTime from submission to the first image token, summed over {@code firstTokens}
 *     requests
 * @param firstTokens requests that drew a first image token
 * @param tokens image tokens drawn
 * @param tokenBatches passes over the weights in which they were drawn
 * @param steps denoising steps
 * @param pictures pictures decoded
 * @param previews previews made
 * @param promptsComputed prompts that were computed
 * @param promptsReused prompts that were known, so that they were not
 * @param encodeTime work on pictures into tokens and latents. Stages run beside each other: the sum
 *     of all may exceed the clock's time
 * @param prefillTime work on prompts into key-value caches
 * @param tokensTime work on image tokens
 * @param conditionTime work on conditions
 * @param stepsTime work on denoising steps
 * @param decodeTime work on latents into pixels
 */
public record ModelMetrics(
    boolean healthy,
    int queued,
    int running,
    long memoryInUseBytes,
    long memoryPeakBytes,
    long memoryLimitBytes,
    long memoryBlocks,
    long submitted,
    long refused,
    long done,
    long failed,
    long cancelled,
    long expired,
    Duration queueTime,
    long started,
    Duration firstTokenTime,
    long firstTokens,
    long tokens,
    long tokenBatches,
    long steps,
    long pictures,
    long previews,
    long promptsComputed,
    long promptsReused,
    Duration encodeTime,
    Duration prefillTime,
    Duration tokensTime,
    Duration conditionTime,
    Duration stepsTime,
    Duration decodeTime) {

  /** Checks that nothing is null. */
  public ModelMetrics {
    Objects.requireNonNull(queueTime, "queueTime");
    Objects.requireNonNull(firstTokenTime, "firstTokenTime");
    Objects.requireNonNull(encodeTime, "encodeTime");
    Objects.requireNonNull(prefillTime, "prefillTime");
    Objects.requireNonNull(tokensTime, "tokensTime");
    Objects.requireNonNull(conditionTime, "conditionTime");
    Objects.requireNonNull(stepsTime, "stepsTime");
    Objects.requireNonNull(decodeTime, "decodeTime");
  }

  /**
   * How many requests drew a token in one pass over the weights, on average: {@code tokens /
   * tokenBatches}; 0 before the first pass.
   */
  public double tokenBatchOccupancy() {
    return tokenBatches == 0 ? 0 : (double) tokens / tokenBatches;
  }

  /** How long a request waited for its start, on average; zero before the first start. */
  public Duration meanQueueTime() {
    return mean(queueTime, started);
  }

  /** How long a request waited for its first image token, on average; zero before the first. */
  public Duration meanTimeToFirstToken() {
    return mean(firstTokenTime, firstTokens);
  }

  private static Duration mean(Duration sum, long count) {
    return count == 0 ? Duration.ZERO : sum.dividedBy(count);
  }
}
