package dev.blip3o;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Every tensor of one greedy run, in the order of the data flow.
 *
 * <p>Names and shapes: {@code reference_tokens [R * N] I64} and {@code reference_latents [R, c, h,
 * w]} (both only of edits), {@code input_ids [T] I64} with the reference tokens in place, {@code
 * first_logits [codes]}, {@code tokens [N] I64}, {@code hidden_states [N + 1, H]}, {@code condition
 * [M, C]}, {@code noise}, {@code sigmas [steps + 1]}, {@code velocity_null_first} (absent where the
 * runtime made none), {@code velocity_first}, {@code latents_first}, {@code latents} (all {@code
 * [c, h, w]}), {@code image [3, height, width]}, {@code pixels [height, width, 3] U8}. What names
 * no dtype is F32.
 *
 * @param tensors the tensors
 * @param timings where the time went
 */
public record Trace(List<NamedTensor> tensors, Timings timings) {
  /** Copies the list. */
  public Trace {
    tensors = List.copyOf(tensors);
    Objects.requireNonNull(timings, "timings");
  }

  /** The tensor of that name, if the run made one. */
  public Optional<NamedTensor> tensor(String name) {
    return tensors.stream().filter(tensor -> tensor.name().equals(name)).findFirst();
  }

  /** Element types, named as in safetensors. */
  public enum Dtype {
    /** 32-bit floats. */
    F32(4),
    /** Signed 64-bit integers. */
    I64(8),
    /** Bytes. */
    U8(1);

    private final int bytes;

    Dtype(int bytes) {
      this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
      return bytes;
    }
  }

  /** A dense, row-major, little-endian tensor with a name. Immutable. */
  public static final class NamedTensor {
    private final String name;
    private final Dtype dtype;
    private final long[] shape;
    private final byte[] data;

    private NamedTensor(String name, Dtype dtype, byte[] data, long... shape) {
      long bytes = dtype.bytes;
      for (long size : shape) {
        bytes = Math.multiplyExact(bytes, size);
      }
      if (bytes != data.length) {
        throw new InvalidRequestException(
            name + " needs " + bytes + " bytes, but has " + data.length);
      }
      this.name = name;
      this.dtype = dtype;
      this.shape = shape;
      this.data = data;
    }

    static NamedTensor of(String name, FloatBuffer values, long... shape) {
      ByteBuffer buffer = ByteBuffer.allocate(4 * values.limit()).order(ByteOrder.LITTLE_ENDIAN);
      buffer.asFloatBuffer().put(values.duplicate());
      return new NamedTensor(name, Dtype.F32, buffer.array(), shape);
    }

    static NamedTensor of(String name, int[] values) {
      ByteBuffer buffer = ByteBuffer.allocate(values.length * 8).order(ByteOrder.LITTLE_ENDIAN);
      for (int value : values) {
        buffer.putLong(value);
      }
      return new NamedTensor(name, Dtype.I64, buffer.array(), values.length);
    }

    static NamedTensor of(String name, byte[] values, long... shape) {
      return new NamedTensor(name, Dtype.U8, values, shape);
    }

    /** The name. */
    public String name() {
      return name;
    }

    /** The element type. */
    public Dtype dtype() {
      return dtype;
    }

    /** The sizes of the axes, slowest first. A copy. */
    public long[] shape() {
      return shape.clone();
    }

    /** The bytes, little-endian. A read-only view in little-endian order. */
    public ByteBuffer data() {
      return ByteBuffer.wrap(data).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public String toString() {
      return name + " " + dtype + " " + java.util.Arrays.toString(shape);
    }
  }
}
