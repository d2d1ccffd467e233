package dev.blip3o.internal;

import dev.blip3o.Device;
import java.lang.System.Logger.Level;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Tells the log why models that were to choose their device run on the CPU, and what a GPU does
 * without: each reason once.
 */
final class Fallback {
  private static final System.Logger LOG = System.getLogger("dev.blip3o");
  private static final Set<String> TOLD = ConcurrentHashMap.newKeySet();

  private Fallback() {}

  /** Tells {@code reason}, a sentence that begins in lower case, unless it was told before. */
  static void tell(Device device, String reason) {
    if (!TOLD.add(reason)) {
      return;
    }
    if (device == Device.CUDA) {
      LOG.log(Level.INFO, () -> "computing on the GPU: " + reason);
    } else {
      // Who has put no CUDA backend on the class path has chosen the CPU.
      Level level = NativeModel.hasBackend(Device.CUDA) ? Level.INFO : Level.DEBUG;
      LOG.log(level, () -> "computing on the CPU: " + reason);
    }
  }
}
