package dev.blip3o.training.rewards;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** A running program that answers lines with lines. One thread asks at a time; any may kill. */
final class RewardProcess {
  /** How long the last words of a program that has ended are waited for. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(2);

  private final String reward;
  private final Process process;
  private final BufferedReader answers;
  private final ErrorTail errors;
  private final AtomicBoolean killed = new AtomicBoolean();

  private RewardProcess(String reward, Process process) {
    this.reward = reward;
    this.process = process;
    this.answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    this.errors = ErrorTail.follow(process.getErrorStream());
  }

  /**
   * Starts a program.
   *
   * @throws RewardContractException if that is impossible
   */
  static RewardProcess start(String reward, List<String> command) {
    try {
      return new RewardProcess(reward, new ProcessBuilder(command).start());
    } catch (IOException e) {
      throw new RewardContractException(
          "the reward '" + reward + "' can't start " + command + ": " + e.getMessage(), e);
    }
  }

  /** Whether it can be asked: neither ended nor killed. */
  boolean isAlive() {
    return process.isAlive() && !killed.get();
  }

  /**
   * Writes a line, reads a line.
   *
   * @throws RewardException if the program ends before, or the time is over: then it is killed
   */
  String ask(byte[] line, Duration timeout) {
    AtomicBoolean settled = new AtomicBoolean();
    CompletableFuture.delayedExecutor(timeout.toNanos(), TimeUnit.NANOSECONDS, Runnable::run)
        .execute(
            () -> {
              if (settled.compareAndSet(false, true)) {
                kill();
              }
            });
    String answer = null;
    IOException cause = null;
    try {
      write(line);
      answer = answers.readLine();
    } catch (IOException e) {
      cause = e;
    }
    boolean late = !settled.compareAndSet(false, true);
    if (answer == null || late) {
      throw failure(late, timeout, cause);
    }
    return answer;
  }

  private void write(byte[] line) throws IOException {
    OutputStream questions = process.getOutputStream();
    questions.write(line);
    questions.write('\n');
    questions.flush();
  }

  private RewardException failure(boolean late, Duration timeout, IOException cause) {
    boolean byUs = killed.get();
    kill();
    String what;
    if (late) {
      what = "has not answered within " + timeout.toMillis() + " ms and was ended";
    } else if (byUs) {
      what = "was ended before it answered";
    } else {
      what = "ended before it answered" + exitCode();
    }
    return new RewardException(
        "the program of the reward '" + reward + "' " + what + said(), cause);
  }

  private String exitCode() {
    try {
      return process.waitFor(LAST_WORDS.toMillis(), TimeUnit.MILLISECONDS)
          ? ", with exit code " + process.exitValue()
          : "";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }

  private String said() {
    String text = errors.text(LAST_WORDS);
    return text.isEmpty() ? "" : "; its last words: " + text;
  }

  /** Ends the program and all that it started. May be repeated. */
  void kill() {
    killed.set(true);
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }
}
