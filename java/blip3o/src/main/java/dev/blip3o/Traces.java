package dev.blip3o;

import dev.blip3o.Trace.NamedTensor;
import dev.blip3o.internal.JobOutputs;
import dev.blip3o.internal.JobValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Which values a trace asks for, and their names in it. */
final class Traces {
  private static final Map<JobValue, String> FLOATS = new LinkedHashMap<>();

  static {
    FLOATS.put(JobValue.REFERENCE_LATENTS, "reference_latents");
    FLOATS.put(JobValue.FIRST_LOGITS, "first_logits");
    FLOATS.put(JobValue.HIDDEN_STATES, "hidden_states");
    FLOATS.put(JobValue.CONDITION, "condition");
    FLOATS.put(JobValue.SIGMAS, "sigmas");
    FLOATS.put(JobValue.VELOCITY_NULL_FIRST, "velocity_null_first");
    FLOATS.put(JobValue.VELOCITY_FIRST, "velocity_first");
    FLOATS.put(JobValue.LATENTS_FIRST, "latents_first");
    FLOATS.put(JobValue.LATENTS, "latents");
    FLOATS.put(JobValue.IMAGE, "image");
  }

  private Traces() {}

  /** What to ask the job of an edit or of text to image for. */
  static JobValue[] values(boolean edit) {
    List<JobValue> values = new ArrayList<>(FLOATS.keySet());
    values.add(JobValue.TOKENS);
    values.add(JobValue.PIXELS);
    if (edit) {
      values.add(JobValue.REFERENCE_TOKENS);
    } else {
      values.remove(JobValue.REFERENCE_LATENTS);
    }
    return values.toArray(JobValue[]::new);
  }

  /**
   * The tensors of a trace.
   *
   * @param prompt ids with placeholders for the reference tokens
   * @param imageTokenFirst vocabulary id of image token 0
   */
  static List<NamedTensor> tensors(
      int[] prompt, int imageTokenFirst, Noise noise, JobOutputs outputs) {
    List<NamedTensor> tensors = new ArrayList<>();
    if (outputs.has(JobValue.REFERENCE_TOKENS)) {
      int[] references = outputs.ints(JobValue.REFERENCE_TOKENS);
      tensors.add(NamedTensor.of("reference_tokens", references));
      prompt = ReferenceTokens.fillIn(prompt, references, imageTokenFirst);
    }
    tensors.add(NamedTensor.of("input_ids", prompt));
    tensors.add(NamedTensor.of("tokens", outputs.ints(JobValue.TOKENS)));
    tensors.add(NamedTensor.of("noise", noise.values(), longs(noise.shape())));
    FLOATS.forEach(
        (value, name) -> {
          if (outputs.has(value)) {
            tensors.add(NamedTensor.of(name, outputs.floats(value), longs(outputs.shape(value))));
          }
        });
    tensors.add(
        NamedTensor.of(
            "pixels", outputs.bytes(JobValue.PIXELS), longs(outputs.shape(JobValue.PIXELS))));
    return tensors;
  }

  private static long[] longs(int[] shape) {
    return IntStream.of(shape).asLongStream().toArray();
  }
}
