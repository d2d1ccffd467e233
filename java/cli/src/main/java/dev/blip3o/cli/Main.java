package dev.blip3o.cli;

import dev.blip3o.CancellationToken;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;

/** The process {@code blip3o}. */
public final class Main {
  /** Commands say themselves what the library logs for services. Held: the log manager forgets. */
  private static final Logger LOG = Logger.getLogger("dev.blip3o");

  /** What it says is of no use to users: that there is no GPU, and paths of its own files. */
  private static final Logger TOKENIZERS_LOG = Logger.getLogger("ai.djl");

  private Main() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    LOG.setLevel(Level.WARNING);
    TOKENIZERS_LOG.setLevel(Level.OFF);
    CancellationToken cancellation = new CancellationToken();
    CountDownLatch finished = new CountDownLatch(1);
    ShutdownWait wait = new ShutdownWait();
    cancelAtShutdown(cancellation, finished, wait);
    int code = ExitCodes.FAILED;
    try {
      code = run(args, cancellation, wait);
    } finally {
      finished.countDown();
    }
    System.exit(code);
  }

  /**
   * The command line, for use inside another program: {@code execute} runs one command and returns
   * its exit code. Set where its output goes by {@code setOut} and {@code setErr}.
   *
   * @param root the folder that holds {@code weights/demo}, if known
   * @param cancellation stops the command
   */
  public static CommandLine commandLine(Optional<Path> root, CancellationToken cancellation) {
    return Blip3oCommand.commandLine(
        new Environment(root, false, cancellation, new ShutdownWait()));
  }

  private static int run(String[] args, CancellationToken cancellation, ShutdownWait wait) {
    PrintWriter out = writer(FileDescriptor.out);
    PrintWriter err = writer(FileDescriptor.err);
    CommandLine commandLine =
        Blip3oCommand.commandLine(Environment.ofProcess(cancellation, wait))
            .setOut(out)
            .setErr(err);
    int code;
    try {
      code = commandLine.execute(Arguments.decoded(args));
    } catch (OutOfMemoryError e) {
      err.println("blip3o: the Java heap is too small; " + Failures.LARGER_HEAP);
      code = ExitCodes.FAILED;
    }
    if (code == ExitCodes.OK && out.checkError()) {
      err.println("blip3o: can't write to standard output: is the disk full?");
      code = ExitCodes.FAILED;
    }
    err.flush();
    return code;
  }

  /**
   * An interrupt begins the shutdown of the JVM while the command still runs: the hook asks the
   * command to stop and waits for it, so that no file is half written and no native thread works on
   * memory that is going away.
   */
  private static void cancelAtShutdown(
      CancellationToken cancellation, CountDownLatch finished, ShutdownWait wait) {
    Runnable hook =
        () -> {
          cancellation.cancel();
          try {
            finished.await(wait.time().toMillis(), TimeUnit.MILLISECONDS);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        };
    Runtime.getRuntime().addShutdownHook(new Thread(hook, "blip3o-cancel"));
  }

  private static PrintWriter writer(FileDescriptor descriptor) {
    // System.out would turn what the locale's charset lacks into question marks.
    return new PrintWriter(
        new OutputStreamWriter(new FileOutputStream(descriptor), StandardCharsets.UTF_8), true);
  }
}
