package dev.blip3o.internal;

import java.lang.ref.Cleaner;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Memory outside the Java heap, of which native code is given the address and no copy.
 *
 * <p>All buffers are in native order. Memory of the JVM's own is freed when its last buffer was
 * collected, and the JVM collects when {@code -XX:MaxDirectMemorySize} is reached; a shared one's
 * owner stays reachable for as long as a buffer over it is.
 */
public final class DirectMemory {
  private static final Cleaner CLEANER = Cleaner.create();

  private DirectMemory() {}

  /** Room for {@code count} floats, all 0. */
  public static FloatBuffer floats(int count) {
    return bytes(count).asFloatBuffer();
  }

  /** Room for {@code count} ints, all 0. */
  public static IntBuffer ints(int count) {
    return bytes(count).asIntBuffer();
  }

  /** A copy. */
  public static FloatBuffer copy(float[] values) {
    return floats(values.length).put(values).flip();
  }

  /** A copy. */
  public static IntBuffer copy(int[] values) {
    return ints(values.length).put(values).flip();
  }

  /**
   * What remains of a buffer, without a copy: a read-only buffer whose views, and theirs, keep
   * {@code owner} and {@code values} reachable.
   *
   * @param values not empty
   * @throws IllegalArgumentException if it is no direct buffer in native order, aligned to 4 bytes;
   *     the message goes on from the value's name
   */
  public static FloatBuffer share(FloatBuffer values, Object owner) {
    check(values, values.order());
    return root(new FloatPointer(values.slice()), values, owner).asFloatBuffer().asReadOnlyBuffer();
  }

  /** {@link #share(FloatBuffer, Object)} of ints. */
  public static IntBuffer share(IntBuffer values, Object owner) {
    check(values, values.order());
    return root(new IntPointer(values.slice()), values, owner).asIntBuffer().asReadOnlyBuffer();
  }

  private static ByteBuffer bytes(int count) {
    if (count > Integer.MAX_VALUE / 4) {
      throw new IllegalArgumentException(
          "one value holds at most " + Integer.MAX_VALUE / 4 + " numbers, but has " + count);
    }
    return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder());
  }

  private static void check(Buffer values, ByteOrder order) {
    if (!values.isDirect() || order != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          "to be shared without a copy must lie in a direct buffer in native order, but its buffer"
              + (values.isDirect() ? " has the other order" : " lies in the heap")
              + "; allocate it by"
              + " ByteBuffer.allocateDirect(4 * n).order(ByteOrder.nativeOrder()), or let the"
              + " factory for arrays copy it");
    }
    NativeLibrary.load(); // JavaCPP's own functions are in it.
  }

  /**
   * A buffer of its own over the same memory. Views of a direct buffer refer to the first one of
   * their line, not to those between: so this one begins a line, and whoever holds any view of it
   * holds the owner.
   */
  private static ByteBuffer root(Pointer memory, Buffer values, Object owner) {
    if (memory.address() % 4 != 0) {
      throw new IllegalArgumentException(
          "to be shared without a copy must be aligned to 4 bytes, but lies at address 0x"
              + Long.toHexString(memory.address())
              + "; let the factory for arrays copy it");
    }
    BytePointer bytes = new BytePointer(memory).capacity(4L * values.remaining());
    ByteBuffer root = bytes.asByteBuffer().order(ByteOrder.nativeOrder());
    CLEANER.register(root, new Kept(values, owner));
    return root;
  }

  /** What the cleaner refers to until the buffer is gone. */
  private record Kept(Buffer values, Object owner) implements Runnable {
    @Override
    public void run() {
      // To be forgotten is all.
    }
  }
}
