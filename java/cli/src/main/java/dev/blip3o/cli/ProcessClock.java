package dev.blip3o.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/** How long this process lives, the start of the JVM included. */
final class ProcessClock {
  private static final Path STAT = Path.of("/proc/self/stat");
  private static final Path UPTIME = Path.of("/proc/uptime");

  /** Linux counts the times in /proc/PID/stat in hundredths of a second on every machine. */
  private static final int NANOS_PER_TICK = 10_000_000;

  /** Place of the start time among the fields behind the program's name, from 0. */
  private static final int START_FIELD = 19;

  private ProcessClock() {}

  /** The age of the process, to a hundredth of a second on Linux and to a second elsewhere. */
  static Duration age() {
    try {
      return age(Files.readString(STAT), Files.readString(UPTIME));
    } catch (IOException | RuntimeException e) {
      Instant now = Instant.now();
      return Duration.between(ProcessHandle.current().info().startInstant().orElse(now), now);
    }
  }

  /**
   * The age from the texts of /proc/self/stat and /proc/uptime. {@link ProcessHandle.Info} adds the
   * start to the machine's boot time, which is known in whole seconds only.
   */
  static Duration age(String stat, String uptime) {
    // The program's name, in brackets, may hold spaces and brackets.
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    Duration start = Duration.ofNanos(Long.parseLong(fields[START_FIELD]) * NANOS_PER_TICK);
    long centiseconds = Math.round(Double.parseDouble(uptime.split(" ")[0]) * 100);
    return Duration.ofMillis(centiseconds * 10).minus(start);
  }
}
