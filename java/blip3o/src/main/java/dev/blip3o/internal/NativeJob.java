package dev.blip3o.internal;

import dev.blip3o.GenerationCancelledException;
import dev.blip3o.InternalErrorException;
import dev.blip3o.bindings.Blip3o;
import dev.blip3o.bindings.blip3o_error;
import dev.blip3o.bindings.blip3o_event;
import dev.blip3o.bindings.blip3o_job;
import dev.blip3o.bindings.blip3o_tensor;
import dev.blip3o.bindings.blip3o_timings;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;

/** A submitted job, waited for and closed by the thread that submitted it. */
final class NativeJob implements AutoCloseable {
  /** How long a cancellation may go unnoticed while the job reports nothing. */
  static final long POLL_MILLIS = 50;

  private final blip3o_job job;
  private final long submittedNanos = System.nanoTime();
  private long queuedNanos;

  /** Takes ownership of {@code job}. */
  NativeJob(blip3o_job job) {
    this.job = job;
  }

  /** Waits for the end, reporting to {@code monitor}, and copies the values of {@code spec}. */
  JobOutputs await(JobSpec spec, JobMonitor monitor) {
    try (NativeScope scope = new NativeScope()) {
      blip3o_error error = scope.own(new blip3o_error());
      follow(scope.own(new blip3o_event()), monitor);
      NativeModel.check(Blip3o.blip3o_job_wait(job, error), error);
      Map<JobValue, JobOutputs.Output> values = new EnumMap<>(JobValue.class);
      blip3o_tensor tensor = scope.own(new blip3o_tensor());
      for (JobValue value : spec.outputs) {
        NativeModel.check(Blip3o.blip3o_job_value(job, value.ordinal(), tensor, error), error);
        copy(value, tensor).ifPresent(output -> values.put(value, output));
      }
      return new JobOutputs(values, seconds(scope), queuedNanos);
    }
  }

  private void follow(blip3o_event event, JobMonitor monitor) {
    while (true) {
      int taken = Blip3o.blip3o_job_next_event(job, POLL_MILLIS, event);
      Optional<String> stop = monitor.stopReason();
      if (stop.isPresent()) {
        throw new GenerationCancelledException(stop.get());
      }
      if (taken != 0 && !handle(event, monitor)) {
        return;
      }
    }
  }

  /** Reports an event and says whether more will come. */
  private boolean handle(blip3o_event event, JobMonitor monitor) {
    switch (event.kind()) {
      case Blip3o.BLIP3O_EVENT_QUEUED, Blip3o.BLIP3O_EVENT_PREVIEW, Blip3o.BLIP3O_EVENT_PICTURE -> {}
      case Blip3o.BLIP3O_EVENT_STARTED -> queuedNanos = System.nanoTime() - submittedNanos;
      case Blip3o.BLIP3O_EVENT_ENCODE -> report(JobMonitor.Unit.ENCODE, event, monitor);
      case Blip3o.BLIP3O_EVENT_TOKEN -> report(JobMonitor.Unit.TOKEN, event, monitor);
      case Blip3o.BLIP3O_EVENT_STEP -> report(JobMonitor.Unit.STEP, event, monitor);
      case Blip3o.BLIP3O_EVENT_DECODE -> report(JobMonitor.Unit.DECODE, event, monitor);
      default -> {
        return false;
      }
    }
    return true;
  }

  private static void report(JobMonitor.Unit unit, blip3o_event event, JobMonitor monitor) {
    monitor.progress(unit, event.index(), event.count());
  }

  /** Copies a tensor to the heap; empty where it is absent. */
  private static Optional<JobOutputs.Output> copy(JobValue value, blip3o_tensor tensor) {
    if (tensor.data() == null || tensor.data().isNull()) {
      return Optional.empty();
    }
    int[] shape = new int[tensor.rank()];
    int size = 1;
    for (int i = 0; i < shape.length; i++) {
      shape[i] = Math.toIntExact(tensor.shape(i));
      size = Math.multiplyExact(size, shape[i]);
    }
    Object data =
        switch (tensor.dtype()) {
          case Blip3o.BLIP3O_F32 -> {
            float[] floats = new float[size];
            new FloatPointer(tensor.data()).get(floats);
            yield floats;
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
          default ->
              throw new InternalErrorException(
                  "value " + value + " has the unexpected dtype " + tensor.dtype());
        };
    return Optional.of(new JobOutputs.Output(data, shape));
  }

  private JobOutputs.Seconds seconds(NativeScope scope) {
    blip3o_timings timings = scope.own(new blip3o_timings());
    Blip3o.blip3o_job_timings(job, timings);
    return new JobOutputs.Seconds(
        timings.encode(),
        timings.prefill(),
        timings.tokens(),
        timings.condition(),
        timings.steps(),
        timings.decode(),
        timings.workspace_bytes());
  }

  /** Cancels the job if it still runs, waits for that, and frees it. */
  @Override
  public void close() {
    Blip3o.blip3o_job_close(job);
  }
}
