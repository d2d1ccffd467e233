package dev.blip3o.internal;

import java.nio.FloatBuffer;
import java.util.Map;

/**
 * What a job yielded, copied once: floats to direct memory, all else to the Java heap.
 *
 * @param values the tensors, by value
 * @param timings seconds by stage
 * @param languageVersion which version of the language model drew the tokens; -1: none
 */
public record JobOutputs(Map<JobValue, Output> values, Seconds timings, long languageVersion) {
  /**
   * A tensor.
   *
   * @param data {@code FloatBuffer} of direct memory, {@code int[]} or {@code byte[]}, row-major
   * @param shape the sizes of its axes
   */
  public record Output(Object data, int[] shape) {}

  /** {@code blip3o_timings}. */
  public record Seconds(
      double queued,
      double waiting,
      double encode,
      double prefill,
      double tokens,
      double condition,
      double steps,
      double decode,
      long workspaceBytes) {}

  /** Whether the job yielded {@code value}. */
  public boolean has(JobValue value) {
    return values.containsKey(value);
  }

  /** The floats of {@code value}, in direct memory from position 0 to its limit. */
  public FloatBuffer floats(JobValue value) {
    return (FloatBuffer) output(value).data();
  }

  /** The ints of {@code value}. */
  public int[] ints(JobValue value) {
    return (int[]) output(value).data();
  }

  /** The bytes of {@code value}. */
  public byte[] bytes(JobValue value) {
    return (byte[]) output(value).data();
  }

  /** The shape of {@code value}. */
  public int[] shape(JobValue value) {
    return output(value).shape();
  }

  private Output output(JobValue value) {
    Output output = values.get(value);
    if (output == null) {
      throw new IllegalStateException("the job yielded no " + value);
    }
    return output;
  }
}
