package dev.blip3o.torch;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.PointerConsumer;

/**
 * Who owns the memory that LibTorch borrows. LibTorch calls the function when the last tensor over
 * the memory is gone, natively: whatever Java object, other view or graph it was held by.
 *
 * <p>One function serves all memory: JavaCPP has few of them. Equal addresses have equal memory for
 * as long as anyone borrows it, so it does not matter which of their owners leaves first.
 */
final class Owners {
  private static final Map<Long, Deque<Object>> BY_ADDRESS = new HashMap<>();
  private static final PointerConsumer RELEASE = new Release();

  private Owners() {}

  /** Keeps {@code owner} reachable until LibTorch releases the memory at {@code address}. */
  static PointerConsumer keep(long address, Object owner) {
    synchronized (BY_ADDRESS) {
      BY_ADDRESS.computeIfAbsent(address, key -> new ArrayDeque<>()).add(owner);
    }
    return RELEASE;
  }

  private static void release(long address) {
    synchronized (BY_ADDRESS) {
      BY_ADDRESS.computeIfPresent(
          address,
          (key, owners) -> {
            owners.remove();
            return owners.isEmpty() ? null : owners;
          });
    }
  }

  /** Called by the thread that lets go of the last tensor, which may be one of LibTorch's. */
  private static final class Release extends PointerConsumer {
    @Override
    public void call(Pointer memory) {
      release(memory.address());
    }
  }
}
