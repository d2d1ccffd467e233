package dev.blip3o.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oException;
import dev.blip3o.CheckpointException;
import dev.blip3o.Compute;
import dev.blip3o.DeadlineExceededException;
import dev.blip3o.Device;
import dev.blip3o.DeviceLostException;
import dev.blip3o.EditRequest;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.InsufficientMemoryException;
import dev.blip3o.InternalErrorException;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.NumericException;
import dev.blip3o.Quantization;
import dev.blip3o.QueueFullException;
import dev.blip3o.UnsupportedException;
import dev.blip3o.bindings.Blip3o;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The numbers that stand on both sides of the C interface. */
class NativeNumbersTest {
  @Test
  void everyStatusHasItsException() {
    Map<Integer, Class<? extends Blip3oException>> expected =
        Map.ofEntries(
            Map.entry(Blip3o.BLIP3O_INVALID_ARGUMENT, InvalidRequestException.class),
            Map.entry(Blip3o.BLIP3O_INVALID_CHECKPOINT, CheckpointException.class),
            Map.entry(Blip3o.BLIP3O_IO_ERROR, CheckpointException.class),
            Map.entry(Blip3o.BLIP3O_OUT_OF_MEMORY, InsufficientMemoryException.class),
            Map.entry(Blip3o.BLIP3O_NUMERIC_ERROR, NumericException.class),
            Map.entry(Blip3o.BLIP3O_CANCELLED, GenerationCancelledException.class),
            Map.entry(Blip3o.BLIP3O_UNSUPPORTED, UnsupportedException.class),
            Map.entry(Blip3o.BLIP3O_INTERNAL_ERROR, InternalErrorException.class),
            Map.entry(Blip3o.BLIP3O_QUEUE_FULL, QueueFullException.class),
            Map.entry(Blip3o.BLIP3O_DEADLINE_EXCEEDED, DeadlineExceededException.class),
            Map.entry(Blip3o.BLIP3O_DEVICE_LOST, DeviceLostException.class));
    expected.forEach(
        (status, type) -> {
          Blip3oException e = StatusExceptions.of(status, "what happened", 0);
          assertEquals(type, e.getClass());
          assertEquals("what happened", e.getMessage());
        });
  }

  @Test
  void aFullQueueSaysWhenToTryAgain() {
    QueueFullException e =
        (QueueFullException) StatusExceptions.of(Blip3o.BLIP3O_QUEUE_FULL, "what happened", 1500);
    assertEquals(Duration.ofMillis(1500), e.retryAfter());
  }

  @Test
  void anUnknownStatusIsADefectThatNamesIt() {
    Blip3oException e = StatusExceptions.of(99, "what happened", 0);
    assertEquals(InternalErrorException.class, e.getClass());
    assertTrue(e.getMessage().contains("99") && e.getMessage().contains("what happened"));
  }

  @Test
  void stagesHaveTheirNumbers() {
    assertEquals(Blip3o.BLIP3O_STAGE_REFERENCES, JobStage.REFERENCES.ordinal());
    assertEquals(Blip3o.BLIP3O_STAGE_TOKENS, JobStage.TOKENS.ordinal());
    assertEquals(Blip3o.BLIP3O_STAGE_CONDITION, JobStage.CONDITION.ordinal());
    assertEquals(Blip3o.BLIP3O_STAGE_LATENTS, JobStage.LATENTS.ordinal());
    assertEquals(Blip3o.BLIP3O_STAGE_PIXELS, JobStage.PIXELS.ordinal());
  }

  @Test
  void valuesHaveTheirNumbers() {
    assertEquals(Blip3o.BLIP3O_TOKENS, JobValue.TOKENS.ordinal());
    assertEquals(Blip3o.BLIP3O_HIDDEN_STATES, JobValue.HIDDEN_STATES.ordinal());
    assertEquals(Blip3o.BLIP3O_CONDITION, JobValue.CONDITION.ordinal());
    assertEquals(Blip3o.BLIP3O_NULL_CONDITION, JobValue.NULL_CONDITION.ordinal());
    assertEquals(Blip3o.BLIP3O_NOISE, JobValue.NOISE.ordinal());
    assertEquals(Blip3o.BLIP3O_SIGMAS, JobValue.SIGMAS.ordinal());
    assertEquals(Blip3o.BLIP3O_LATENTS, JobValue.LATENTS.ordinal());
    assertEquals(Blip3o.BLIP3O_IMAGE, JobValue.IMAGE.ordinal());
    assertEquals(Blip3o.BLIP3O_PIXELS, JobValue.PIXELS.ordinal());
    assertEquals(Blip3o.BLIP3O_FIRST_LOGITS, JobValue.FIRST_LOGITS.ordinal());
    assertEquals(Blip3o.BLIP3O_VELOCITY_FIRST, JobValue.VELOCITY_FIRST.ordinal());
    assertEquals(Blip3o.BLIP3O_VELOCITY_NULL_FIRST, JobValue.VELOCITY_NULL_FIRST.ordinal());
    assertEquals(Blip3o.BLIP3O_LATENTS_FIRST, JobValue.LATENTS_FIRST.ordinal());
    assertEquals(Blip3o.BLIP3O_REFERENCE_TOKENS, JobValue.REFERENCE_TOKENS.ordinal());
    assertEquals(Blip3o.BLIP3O_REFERENCE_LATENTS, JobValue.REFERENCE_LATENTS.ordinal());
    assertEquals(Blip3o.BLIP3O_LOG_PROBABILITIES, JobValue.LOG_PROBABILITIES.ordinal());
    assertEquals(Blip3o.BLIP3O_VALUE_COUNT, JobValue.values().length);
  }

  @Test
  void asManyReferencesAreTakenOnBothSides() {
    assertEquals(Blip3o.BLIP3O_MAX_REFERENCES, EditRequest.MAX_REFERENCES);
  }

  @Test
  void computeTypesHaveTheirNumbers() {
    assertEquals(Blip3o.BLIP3O_COMPUTE_AUTO, Compute.AUTO.ordinal());
    assertEquals(Blip3o.BLIP3O_COMPUTE_F32, Compute.F32.ordinal());
    assertEquals(Blip3o.BLIP3O_COMPUTE_BF16, Compute.BF16.ordinal());
  }

  @Test
  void devicesHaveTheirNumbers() {
    assertEquals(Blip3o.BLIP3O_DEVICE_AUTO, Device.AUTO.ordinal());
    assertEquals(Blip3o.BLIP3O_DEVICE_CPU, Device.CPU.ordinal());
    assertEquals(Blip3o.BLIP3O_DEVICE_CUDA, Device.CUDA.ordinal());
  }

  @Test
  void quantizationsHaveTheirBits() {
    assertEquals(Blip3o.BLIP3O_QUANTIZATION_NONE, NativeModel.bits(Set.of()));
    assertEquals(Blip3o.BLIP3O_INT8_LANGUAGE, NativeModel.bits(Set.of(Quantization.INT8_LANGUAGE)));
    assertEquals(
        Blip3o.BLIP3O_E4M3_DIFFUSION, NativeModel.bits(Set.of(Quantization.E4M3_DIFFUSION)));
    assertEquals(3, NativeModel.bits(Set.of(Quantization.values())));
  }
}
