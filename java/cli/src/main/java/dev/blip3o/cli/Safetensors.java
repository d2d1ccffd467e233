package dev.blip3o.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The tensors of one safetensors file, in memory: 8 bytes with the header's length, a JSON header,
 * the tensors' bytes. Source of the format: the safetensors README, "Format".
 *
 * <p>Reading is strict: a header that does not describe the file to the byte is an error that names
 * the file, the tensor, what was expected and what was found.
 */
public final class Safetensors {
  private final Path file;
  private final Map<String, Tensor> tensors;

  Safetensors(Path file, Map<String, Tensor> tensors) {
    this.file = file;
    this.tensors = tensors;
  }

  /** Element types, named as in the files. */
  public enum Dtype {
    /** 64-bit floats. */
    F64(8),
    /** 32-bit floats. */
    F32(4),
    /** 16-bit floats of IEEE 754. */
    F16(2),
    /** The upper halves of 32-bit floats. */
    BF16(2),
    /** Signed 64-bit integers. */
    I64(8),
    /** Signed 32-bit integers. */
    I32(4),
    /** Signed 16-bit integers. */
    I16(2),
    /** Signed bytes. */
    I8(1),
    /** Unsigned bytes. */
    U8(1),
    /** Bytes that are 0 or 1. */
    BOOL(1);

    private final int bytes;

    Dtype(int bytes) {
      this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
      return bytes;
    }
  }

  /**
   * A dense, row-major, little-endian tensor.
   *
   * @param name its name
   * @param dtype its element type
   * @param shape the sizes of its axes, slowest first; empty: one value
   * @param data its bytes; read-only
   */
  public record Tensor(String name, Dtype dtype, List<Long> shape, ByteBuffer data) {
    /**
     * Checks that the bytes fit the shape.
     *
     * @throws IllegalArgumentException if they don't
     */
    public Tensor {
      shape = List.copyOf(shape);
      data = data.slice().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
      long bytes = dtype.bytes();
      for (long size : shape) {
        bytes = Math.multiplyExact(bytes, size);
      }
      if (bytes != data.remaining()) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "tensor '%s' %s %s needs %d bytes, but has %d",
                name,
                dtype,
                shape,
                bytes,
                data.remaining()));
      }
    }

    /** The bytes, little-endian. A view of its own. */
    @Override
    public ByteBuffer data() {
      return data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The values of an F32 tensor. A copy. */
    public float[] floats() {
      require(Dtype.F32);
      float[] values = new float[data.remaining() / Float.BYTES];
      data().asFloatBuffer().get(values);
      return values;
    }

    /** The values of an I64 tensor. A copy. */
    public long[] longs() {
      require(Dtype.I64);
      long[] values = new long[data.remaining() / Long.BYTES];
      data().asLongBuffer().get(values);
      return values;
    }

    private void require(Dtype wanted) {
      if (dtype != wanted) {
        throw new IllegalStateException(
            "tensor '" + name + "' must be " + wanted + ", but is " + dtype);
      }
    }
  }

  /**
   * Reads a file whole. Meant for files of a few megabytes.
   *
   * @throws SafetensorsException if it can't be read or is malformed
   */
  public static Safetensors read(Path file) {
    return new SafetensorsReader(file).read();
  }

  /** The names, in the order of the header. */
  public Set<String> names() {
    return tensors.keySet();
  }

  /** The tensor of that name, if the file holds one. */
  public Optional<Tensor> tensor(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /**
   * The F32 tensor of that name and rank.
   *
   * @throws SafetensorsException if there is none, or its dtype or rank is another
   */
  public Tensor f32(String name, int rank) {
    return tensor(name, Dtype.F32, rank);
  }

  /**
   * The I64 tensor of that name and rank.
   *
   * @throws SafetensorsException if there is none, or its dtype or rank is another
   */
  public Tensor i64(String name, int rank) {
    return tensor(name, Dtype.I64, rank);
  }

  private Tensor tensor(String name, Dtype dtype, int rank) {
    Tensor tensor =
        tensor(name)
            .orElseThrow(
                () ->
                    new SafetensorsException(
                        file + ": there is no tensor '" + name + "'; the file holds " + names()));
    if (tensor.dtype() != dtype) {
      throw new SafetensorsException(
          file + ": tensor '" + name + "' must be " + dtype + ", but is " + tensor.dtype());
    }
    if (tensor.shape().size() != rank) {
      throw new SafetensorsException(
          String.format(
              Locale.ROOT,
              "%s: tensor '%s' must have %s, but has the shape %s",
              file,
              name,
              rank == 1 ? "1 axis" : rank + " axes",
              tensor.shape()));
    }
    return tensor;
  }

  /**
   * Writes a file; widest elements first, so that every tensor lies on a multiple of its element's
   * size.
   *
   * @param out where to; stays open
   * @param tensors with different names
   */
  public static void write(OutputStream out, List<Tensor> tensors) throws IOException {
    List<Tensor> ordered =
        tensors.stream()
            .sorted(
                Comparator.comparing((Tensor tensor) -> -tensor.dtype().bytes())
                    .thenComparing(Tensor::name))
            .toList();
    byte[] header = SafetensorsHeader.of(ordered);
    ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.write(length.putLong(header.length).array());
    out.write(header);
    WritableByteChannel channel = Channels.newChannel(out);
    for (Tensor tensor : ordered) {
      ByteBuffer data = tensor.data();
      while (data.hasRemaining()) {
        channel.write(data);
      }
    }
  }
}
