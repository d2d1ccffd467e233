package dev.blip3o.service;

import dev.blip3o.support.Repository;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * {@code blip3o serve} as a process of its own, with a working directory and a directory for
 * temporary files that nobody else uses.
 */
final class ServeProcess implements AutoCloseable {
  private static final Pattern LISTENING = Pattern.compile("Listening at http://[^:]*:(\\d+)/");
  private static final int SIGTERM = 128 + 15;
  private static final long TIMEOUT_SECONDS = 60;

  private final Process process;
  private final Path folder;
  private final int port;

  private ServeProcess(Process process, Path folder) throws IOException {
    this.process = process;
    this.folder = folder;
    this.port = port(process);
  }

  /**
   * Starts one with the demo checkpoint on a free port.
   *
   * @param folder where its files are kept; empty
   * @param options of {@code blip3o serve}
   */
  static ServeProcess start(Path folder, String... options) {
    return start(folder, List.of(), options);
  }

  /** The same in a JVM with further options. */
  static ServeProcess start(Path folder, List<String> jvm, String... options) {
    try {
      Files.createDirectories(folder.resolve("work"));
      Files.createDirectories(folder.resolve("tmp"));
      Process process =
          new ProcessBuilder(command(folder, jvm, options))
              .directory(folder.resolve("work").toFile())
              .redirectError(folder.resolve("err").toFile())
              .start();
      try {
        return new ServeProcess(process, folder);
      } catch (IOException | RuntimeException e) {
        process.destroyForcibly();
        throw e;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> command(Path folder, List<String> jvm, String... options) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx512m", "-Djava.io.tmpdir=" + folder.resolve("tmp")));
    for (String property : List.of("org.bytedeco.javacpp.cachedir", "DJL_CACHE_DIR")) {
      command.add("-D" + property + "=" + System.getProperty(property));
    }
    command.add("-Dorg.bytedeco.javacpp.maxPhysicalBytes=0");
    command.add("-Dorg.bytedeco.javacpp.maxBytes=0");
    command.addAll(jvm);
    command.add("-cp");
    command.add(classPath());
    command.add("dev.blip3o.cli.Main");
    command.addAll(List.of("serve", "--model", Repository.demo().toString(), "--port", "0"));
    command.addAll(List.of(options));
    return command;
  }

  private static String classPath() {
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return Stream.of(path.split(File.pathSeparator))
        .filter(part -> !part.contains("test-classes"))
        .reduce((first, second) -> first + File.pathSeparator + second)
        .orElseThrow();
  }

  private int port(Process process) throws IOException {
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      Matcher matcher = LISTENING.matcher(line);
      if (matcher.find()) {
        return Integer.parseInt(matcher.group(1));
      }
    }
    throw new IllegalStateException("the server did not start: " + log());
  }

  int port() {
    return port;
  }

  /** What {@code /metrics} says now. */
  Scrape scrape() {
    return Scrape.parse(Wire.ask(port, Wire.get("/metrics")).text());
  }

  /** What it wrote to standard error until now. */
  String log() {
    try {
      return Files.readString(folder.resolve("err"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The files in its working directory and in that for temporary files, with their folders. */
  List<Path> files() {
    try (Stream<Path> work = Files.walk(folder.resolve("work"));
        Stream<Path> tmp = Files.walk(folder.resolve("tmp"))) {
      return Stream.concat(work, tmp).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What its file descriptors refer to, for example sockets, pipes and files. */
  List<String> descriptors() {
    List<String> targets = new ArrayList<>();
    File[] links = new File("/proc/" + process.pid() + "/fd").listFiles();
    for (File link : links == null ? new File[0] : links) {
      try {
        targets.add(Files.readSymbolicLink(link.toPath()).toString());
      } catch (IOException e) {
        // Closed since the listing.
      }
    }
    return targets;
  }

  /** Sends SIGTERM and waits for a good end: 0, or what a JVM exits with after SIGTERM. */
  void stop() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
      throw new IllegalStateException("the server did not end after SIGTERM: " + log());
    }
    int code = process.exitValue();
    if (code != 0 && code != SIGTERM) {
      throw new IllegalStateException("the server ended with " + code + ": " + log());
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
