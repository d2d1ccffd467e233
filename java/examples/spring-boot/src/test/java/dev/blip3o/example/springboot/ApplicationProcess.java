package dev.blip3o.example.springboot;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A Spring Boot application in a process of its own, at a port of its choice. */
final class ApplicationProcess implements AutoCloseable {
  private static final Pattern STARTED = Pattern.compile("Tomcat started on port (\\d+)");
  private static final Duration START = Duration.ofSeconds(90);

  private final Process process;
  private final Path log;
  private final int port;

  private ApplicationProcess(Process process, Path log) throws IOException, InterruptedException {
    this.process = process;
    this.log = log;
    this.port = awaitPort();
  }

  /**
   * Starts it and waits until it listens.
   *
   * @param directory the working directory
   * @param folder gets its log and what its libraries unpack
   * @param what the options of the JVM that name what is run, and arguments
   */
  static ApplicationProcess start(Path directory, Path folder, List<String> what)
      throws IOException, InterruptedException {
    Path log = folder.resolve("log");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
    command.add("-Xmx512m");
    command.add("-Dorg.bytedeco.javacpp.cachedir=" + folder.resolve("javacpp"));
    command.add("-DDJL_CACHE_DIR=" + folder.resolve("djl"));
    command.addAll(what);
    command.add("--server.port=0");
    return new ApplicationProcess(
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start(),
        log);
  }

  private int awaitPort() throws IOException, InterruptedException {
    long start = System.nanoTime();
    while (System.nanoTime() - start < START.toNanos()) {
      // First whether it has ended: what it wrote before its end is then in the log.
      boolean ended = process.waitFor(50, TimeUnit.MILLISECONDS);
      Matcher matcher = STARTED.matcher(log());
      if (matcher.find()) {
        return Integer.parseInt(matcher.group(1));
      }
      if (ended) {
        throw new AssertionError("the application ended:\n" + log());
      }
    }
    process.destroyForcibly();
    throw new AssertionError("the application does not listen after " + START + ":\n" + log());
  }

  String log() throws IOException {
    return Files.readString(log);
  }

  int port() {
    return port;
  }

  /** SIGTERM; returns at once. */
  void terminate() {
    process.destroy();
  }

  /** Its exit code, once it has ended. */
  int exitCode() throws InterruptedException {
    return process.waitFor();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
