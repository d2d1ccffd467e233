package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.ReadOnlyBufferException;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.junit.jupiter.api.Test;

/** Values in direct memory, their own and a caller's. */
class SharedMemoryTest {
  private static final Object OWNER = "an owner";

  @Test
  void valuesLieInDirectMemory() {
    FloatBuffer values = Noise.of(1, 1, 2, new float[] {3, 4}).values();
    assertTrue(values.isDirect() && values.isReadOnly());
    assertSame(ByteOrder.nativeOrder(), values.order());
    FloatBuffer row = Condition.of(1, 1, new float[1], new float[] {5}).nullRow().orElseThrow();
    assertTrue(row.isDirect() && row.isReadOnly());
    IntBuffer tokens = tokens(memory(7).asIntBuffer()).values();
    assertTrue(tokens.isDirect() && tokens.isReadOnly());
    assertThrows(ReadOnlyBufferException.class, () -> tokens.put(0, 1));
  }

  @Test
  void sharedMemoryHasTheSameAddress() {
    FloatBuffer memory = memory(1, 2, 3, 4, 5, 6).asFloatBuffer();
    memory.position(1).limit(5); // A value takes what remains.
    long address = new FloatPointer(memory.slice()).address();
    HiddenStates states = HiddenStates.sharing(2, 2, memory, OWNER);
    assertEquals(address, new FloatPointer(states.values()).address());
    assertEquals(4, states.toArray().length);
    assertEquals(1, memory.position());
    Noise noise = Noise.sharing(1, 2, 2, memory, OWNER);
    assertEquals(address, new FloatPointer(noise.values()).address());
    Latents latents = Latents.sharing(2, 1, 2, memory, OWNER);
    assertEquals(address, new FloatPointer(latents.values()).address());
    Condition condition = Condition.sharing(1, 4, memory, memory, OWNER);
    assertEquals(address, new FloatPointer(condition.nullRow().orElseThrow()).address());
    assertTrue(Condition.sharing(2, 2, memory, OWNER).nullRow().isEmpty());
    assertEquals(latents, Latents.of(2, 1, 2, latents.toArray()));
  }

  @Test
  void sharedTokensHaveTheSameAddress() {
    IntBuffer memory = memory(7, 8).asIntBuffer();
    ImageTokens tokens = tokens(memory);
    assertEquals(new IntPointer(memory).address(), new IntPointer(tokens.values()).address());
    assertArrayEquals(new int[] {memory.get(0), memory.get(1)}, tokens.tokens());
    ImageTokens copied =
        ImageTokens.of(tokens.tokens(), tokens.promptIds(), tokens.hiddenStates(), tokens.seed());
    assertEquals(copied, tokens);
    assertEquals(copied.hashCode(), tokens.hashCode());
  }

  @Test
  void whatCannotBeSharedIsRefused() {
    refused(
        "latents to be shared without a copy must lie in a direct buffer in native order, but its"
            + " buffer lies in the heap; allocate it by",
        FloatBuffer.allocate(2));
    refused("has the other order", ByteBuffer.allocateDirect(8).order(other()).asFloatBuffer());
    refused(
        "must be aligned to 4 bytes",
        ByteBuffer.allocateDirect(12)
            .position(1)
            .slice()
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer());
    refused("needs 2 values, but 3 were given", memory(1, 2, 3).asFloatBuffer());
    refused("must hold finite values, but value 1 is NaN", memory(1, Float.NaN).asFloatBuffer());
    assertThrows(
        NullPointerException.class,
        () -> Latents.sharing(1, 1, 1, memory(1).asFloatBuffer(), null));
  }

  @Test
  void anyBufferOfAValueKeepsTheOwner() throws InterruptedException {
    Object owner = new Object();
    ReferenceQueue<Object> gone = new ReferenceQueue<>();
    WeakReference<Object> watched = new WeakReference<>(owner, gone);
    FloatBuffer part =
        Noise.sharing(1, 1, 3, memory(1, 2, 3).asFloatBuffer(), owner).values().slice(1, 2);
    owner = null;
    System.gc();
    assertNotNull(watched.get());
    assertEquals(2, part.get(0));
    Reference.reachabilityFence(part);
    part = null;
    Reference<?> found = null;
    for (int tries = 0; tries < 100 && found == null; tries++) {
      System.gc(); // The cleaner's own thread has work to do between the buffer's end and this one.
      found = gone.remove(50);
    }
    assertSame(watched, found);
  }

  private static ImageTokens tokens(IntBuffer memory) {
    HiddenStates states = HiddenStates.of(memory.limit() + 1, 1, new float[memory.limit() + 1]);
    return ImageTokens.sharing(memory, PromptIds.of(1), states, 3, OWNER);
  }

  private static void refused(String message, FloatBuffer values) {
    String found =
        assertThrows(InvalidRequestException.class, () -> Latents.sharing(1, 1, 2, values, OWNER))
            .getMessage();
    assertTrue(found.contains(message), found);
  }

  private static ByteOrder other() {
    return ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN
        ? ByteOrder.BIG_ENDIAN
        : ByteOrder.LITTLE_ENDIAN;
  }

  private static ByteBuffer memory(float... values) {
    ByteBuffer memory = ByteBuffer.allocateDirect(4 * values.length).order(ByteOrder.nativeOrder());
    memory.asFloatBuffer().put(values);
    return memory;
  }
}
