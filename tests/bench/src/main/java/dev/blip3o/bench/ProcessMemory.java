package dev.blip3o.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.OptionalDouble;

/** This process's memory as Linux counts it. */
final class ProcessMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR = Path.of("/proc/self/clear_refs");

  private ProcessMemory() {}

  /**
   * The largest resident set so far ({@code VmHWM}), in MiB: heap, native memory and the touched
   * pages of mapped weights. Empty where the system does not tell.
   */
  static OptionalDouble peakMib() {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith("VmHWM:")) {
          return OptionalDouble.of(Long.parseLong(line.replaceAll("\\D", "")) / 1024.0);
        }
      }
    } catch (IOException e) {
      return OptionalDouble.empty();
    }
    return OptionalDouble.empty();
  }

  /** Starts the peak anew from what is resident now; says whether the system allowed it. */
  static boolean resetPeak() {
    try {
      Files.write(CLEAR, "5".getBytes(StandardCharsets.US_ASCII), StandardOpenOption.WRITE);
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
