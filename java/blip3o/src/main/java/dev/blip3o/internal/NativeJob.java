package dev.blip3o.internal;

import dev.blip3o.InternalErrorException;
import dev.blip3o.bindings.Blip3o;
import dev.blip3o.bindings.blip3o_error;
import dev.blip3o.bindings.blip3o_event;
import dev.blip3o.bindings.blip3o_job;
import dev.blip3o.bindings.blip3o_tensor;
import dev.blip3o.bindings.blip3o_timings;
import java.nio.FloatBuffer;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;

/**
 * A submitted job. One thread at a time reads its events and its outputs; any thread may cancel it.
 */
final class NativeJob implements AutoCloseable {
  private final blip3o_job job;
  private boolean closed;

  /** Takes ownership of {@code job}. */
  NativeJob(blip3o_job job) {
    this.job = job;
  }

  /**
   * Hands over the events that are there, waiting for none.
   *
   * @return whether the last one was among them
   */
  boolean read(Consumer<JobEvent> consumer) {
    try (NativeScope scope = new NativeScope()) {
      blip3o_event event = scope.own(new blip3o_event());
      while (Blip3o.blip3o_job_next_event(job, 0, event) != 0) {
        if (event.kind() >= Blip3o.BLIP3O_EVENT_DONE) {
          return true;
        }
        copy(event).ifPresent(consumer);
      }
      return false;
    }
  }

  /** The values of a job whose last event was read, or the exception of how it ended. */
  JobOutputs outputs(Set<JobValue> wanted) {
    try (NativeScope scope = new NativeScope()) {
      blip3o_error error = scope.own(new blip3o_error());
      NativeModel.check(Blip3o.blip3o_job_wait(job, error), error);
      Map<JobValue, JobOutputs.Output> values = new EnumMap<>(JobValue.class);
      blip3o_tensor tensor = scope.own(new blip3o_tensor());
      for (JobValue value : wanted) {
        NativeModel.check(Blip3o.blip3o_job_value(job, value.ordinal(), tensor, error), error);
        copy(value, tensor).ifPresent(output -> values.put(value, output));
      }
      return new JobOutputs(values, seconds(scope), Blip3o.blip3o_job_language_version(job));
    }
  }

  /** Asks the job to stop. No effect on one that was closed. */
  synchronized void cancel() {
    if (!closed) {
      Blip3o.blip3o_job_cancel(job);
    }
  }

  /** Cancels the job if it still runs, waits for that, and frees it. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      Blip3o.blip3o_job_close(job);
    }
  }

  /** Empty for what the job's end tells too. */
  private static Optional<JobEvent> copy(blip3o_event event) {
    return Optional.ofNullable(
        switch (event.kind()) {
          case Blip3o.BLIP3O_EVENT_QUEUED -> new JobEvent.Queued(event.index());
          case Blip3o.BLIP3O_EVENT_STARTED -> new JobEvent.Started();
          case Blip3o.BLIP3O_EVENT_ENCODE -> progress(JobEvent.Unit.ENCODE, event);
          case Blip3o.BLIP3O_EVENT_TOKEN -> progress(JobEvent.Unit.TOKEN, event);
          case Blip3o.BLIP3O_EVENT_STEP -> progress(JobEvent.Unit.STEP, event);
          case Blip3o.BLIP3O_EVENT_DECODE -> progress(JobEvent.Unit.DECODE, event);
          case Blip3o.BLIP3O_EVENT_PREVIEW -> preview(event);
          default -> null;
        });
  }

  private static JobEvent progress(JobEvent.Unit unit, blip3o_event event) {
    return new JobEvent.Progress(unit, event.index(), event.count());
  }

  private static JobEvent preview(blip3o_event event) {
    JobOutputs.Output pixels = copy(event.preview());
    int[] shape = pixels.shape();
    return new JobEvent.Preview(
        event.index(), event.count(), shape[0], shape[1], (byte[]) pixels.data());
  }

  /** Copies a value; empty where it is absent. */
  private static Optional<JobOutputs.Output> copy(JobValue value, blip3o_tensor tensor) {
    if (tensor.data() == null || tensor.data().isNull()) {
      return Optional.empty();
    }
    try {
      return Optional.of(copy(tensor));
    } catch (IllegalArgumentException e) {
      throw new InternalErrorException("value " + value + " can't be copied: " + e.getMessage(), e);
    }
  }

  private static JobOutputs.Output copy(blip3o_tensor tensor) {
    int[] shape = new int[tensor.rank()];
    int size = 1;
    for (int i = 0; i < shape.length; i++) {
      shape[i] = Math.toIntExact(tensor.shape(i));
      size = Math.multiplyExact(size, shape[i]);
    }
    Object data =
        switch (tensor.dtype()) {
          case Blip3o.BLIP3O_F32 -> {
            FloatBuffer floats = DirectMemory.floats(size);
            floats.put(new FloatPointer(tensor.data()).capacity(size).asBuffer());
            yield floats.flip();
          }
          case Blip3o.BLIP3O_I32 -> {
            int[] ints = new int[size];
            new IntPointer(tensor.data()).get(ints);
            yield ints;
          }
          case Blip3o.BLIP3O_U8 -> {
            byte[] bytes = new byte[size];
            new BytePointer(tensor.data()).get(bytes);
            yield bytes;
          }
          default -> throw new IllegalArgumentException("its dtype is " + tensor.dtype());
        };
    return new JobOutputs.Output(data, shape);
  }

  private JobOutputs.Seconds seconds(NativeScope scope) {
    blip3o_timings timings = scope.own(new blip3o_timings());
    Blip3o.blip3o_job_timings(job, timings);
    return new JobOutputs.Seconds(
        timings.queued(),
        timings.waiting(),
        timings.encode(),
        timings.prefill(),
        timings.tokens(),
        timings.condition(),
        timings.steps(),
        timings.decode(),
        timings.workspace_bytes());
  }
}
