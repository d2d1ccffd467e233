package dev.blip3o.internal;

import dev.blip3o.InvalidRequestException;
import dev.blip3o.WeightTensor;
import dev.blip3o.bindings.Blip3o;
import dev.blip3o.bindings.blip3o_named_tensor;
import dev.blip3o.bindings.blip3o_tensor;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Native memory of one call: allocated here, or borrowed and kept reachable; freed at the end of
 * the block. For one thread.
 */
final class NativeScope implements AutoCloseable {
  private final Deque<Pointer> pointers = new ArrayDeque<>();

  /** Frees {@code pointer} at the end. */
  <P extends Pointer> P own(P pointer) {
    pointers.push(pointer);
    return pointer;
  }

  /** A NUL-terminated UTF-8 copy. */
  BytePointer text(String text) {
    return own(new BytePointer(text, StandardCharsets.UTF_8));
  }

  /** A copy. */
  IntPointer ints(int[] values) {
    return own(new IntPointer(values));
  }

  /** Fills {@code target} with direct memory as it is, and its shape. */
  void fill(blip3o_tensor target, FloatBuffer values, int... shape) {
    describe(target, own(new FloatPointer(values.slice())), Blip3o.BLIP3O_F32, shape);
  }

  /** Fills {@code target} with direct memory as it is, or a copy of a heap buffer: a vector. */
  void fill(blip3o_tensor target, IntBuffer values) {
    IntPointer data = own(values.isDirect() ? new IntPointer(values.slice()) : copy(values));
    describe(target, data, Blip3o.BLIP3O_I32, values.remaining());
  }

  private static IntPointer copy(IntBuffer values) {
    int[] copy = new int[values.remaining()];
    values.get(values.position(), copy);
    return new IntPointer(copy);
  }

  /** Fills {@code target} with a copy of {@code values} and their shape. */
  void fill(blip3o_tensor target, byte[] values, int... shape) {
    describe(target, own(new BytePointer(values)), Blip3o.BLIP3O_U8, shape);
  }

  /**
   * Fills {@code target} with direct memory as it is, its name and its shape. A name that is too
   * long is cut: no tensor has it.
   */
  void fill(blip3o_named_tensor target, WeightTensor tensor) {
    byte[] name = tensor.name().getBytes(StandardCharsets.UTF_8);
    int length = Math.min(name.length, Blip3o.BLIP3O_NAME_SIZE - 1);
    target.name().put(name, 0, length).put(length, (byte) 0);
    blip3o_tensor to = target.tensor();
    long[] shape = tensor.shape();
    if (shape.length > Blip3o.BLIP3O_MAX_RANK) {
      throw new InvalidRequestException(
          tensor + " has " + shape.length + " axes: expected at most " + Blip3o.BLIP3O_MAX_RANK);
    }
    to.data(own(new BytePointer(tensor.data()))).dtype(tensor.type().ordinal()).rank(shape.length);
    for (int i = 0; i < shape.length; i++) {
      to.shape(i, shape[i]);
    }
  }

  private static void describe(blip3o_tensor target, Pointer data, int dtype, int... shape) {
    target.data(data).dtype(dtype).rank(shape.length);
    for (int i = 0; i < shape.length; i++) {
      target.shape(i, shape[i]);
    }
  }

  /** The Java form of a NUL-terminated UTF-8 text. */
  static String string(BytePointer text) {
    byte[] bytes = new byte[Math.toIntExact(BytePointer.strlen(text))];
    text.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    while (!pointers.isEmpty()) {
      pointers.pop().deallocate();
    }
  }
}
