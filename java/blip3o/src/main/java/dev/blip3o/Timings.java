package dev.blip3o;

import java.time.Duration;
import java.util.Objects;

/**
 * Where the time of one picture went. Compute times are the native library's own; stages that did
 * not run are zero.
 *
 * @param tokenizing encoding the prompt, in Java
 * @param queued from submission to start: waiting behind other requests of the model
 * @param waiting after the start, while other requests of the model had their turns
 * @param encode reference and initial pictures into tokens and latents
 * @param prefill prompt into the key-value cache
 * @param tokens image tokens after the prefill
 * @param condition connector, caption projection, cross-attention keys and values
 * @param steps denoising steps
 * @param decode autoencoder's decoder
 * @param total the whole call for this picture, wall clock
 * @param workspaceBytes activations and key-value cache of the job
 */
public record Timings(
    Duration tokenizing,
    Duration queued,
    Duration waiting,
    Duration encode,
    Duration prefill,
    Duration tokens,
    Duration condition,
    Duration steps,
    Duration decode,
    Duration total,
    long workspaceBytes) {

  /** Checks that nothing is null. */
  public Timings {
    Objects.requireNonNull(tokenizing, "tokenizing");
    Objects.requireNonNull(queued, "queued");
    Objects.requireNonNull(waiting, "waiting");
    Objects.requireNonNull(encode, "encode");
    Objects.requireNonNull(prefill, "prefill");
    Objects.requireNonNull(tokens, "tokens");
    Objects.requireNonNull(condition, "condition");
    Objects.requireNonNull(steps, "steps");
    Objects.requireNonNull(decode, "decode");
    Objects.requireNonNull(total, "total");
  }

  /** The sum of the native compute times: encode, prefill, tokens, condition, steps and decode. */
  public Duration compute() {
    return encode.plus(prefill).plus(tokens).plus(condition).plus(steps).plus(decode);
  }

  /**
   * The time outside the native stages, in Java and JNI: the total less queue, waiting and compute.
   * It holds tokenizing, listeners, copies, the resizing of pictures to the model's sizes (in
   * native code, on the calling thread), and the hand-over between threads.
   */
  public Duration overhead() {
    Duration rest = total.minus(queued).minus(waiting).minus(compute());
    return rest.isNegative() ? Duration.ZERO : rest;
  }
}
