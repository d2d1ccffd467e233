package dev.blip3o.training.rewards;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;

/**
 * A program that scores: for each line on its standard input it writes one on its standard output,
 * as the package's description shows. It is started once and answers batch after batch; where it
 * dies or hangs, that batch fails and the next one starts it anew. What it writes to standard error
 * is kept for error messages, the last of it.
 *
 * <pre>
 * for line in sys.stdin:
 *     question = json.loads(line)
 *     scores = [score(p["prompt"], base64.b64decode(p["png"])) for p in question["pictures"]]
 *     print(json.dumps({"id": question["id"], "scores": scores}), flush=True)
 * </pre>
 */
public final class ProcessReward implements Reward {
  private static final String NAME = "process";

  private final List<String> command;
  private final Duration timeout;
  private final ExecutorService worker;
  private volatile RewardProcess process;
  private volatile boolean closed;
  private long lastId;

  /**
   * Starts the program.
   *
   * @param command the program and its arguments; no shell reads them
   * @param timeout how long an answer may take, counted from its question
   * @throws RewardContractException if it can't be started
   */
  public ProcessReward(List<String> command, Duration timeout) {
    this.command = List.copyOf(command);
    this.timeout = timeout;
    if (command.isEmpty() || timeout.isNegative() || timeout.isZero()) {
      throw new IllegalArgumentException(
          "a process reward needs a command and a timeout above 0, but has "
              + command
              + " and "
              + timeout);
    }
    this.process = RewardProcess.start(NAME, this.command);
    this.worker = Executors.newSingleThreadExecutor(task -> daemon(task, "blip3o-reward-process"));
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public CompletableFuture<double[]> score(List<RewardInput> batch) {
    List<RewardInput> pictures = List.copyOf(batch);
    CompletableFuture<double[]> scores = new CompletableFuture<>();
    try {
      worker.execute(() -> answer(pictures, scores));
    } catch (RejectedExecutionException e) {
      scores.completeExceptionally(closedFailure(e));
    }
    return scores;
  }

  private static RewardException closedFailure(Throwable cause) {
    return new RewardException("the reward '" + NAME + "' has been closed", cause);
  }

  private void answer(List<RewardInput> pictures, CompletableFuture<double[]> scores) {
    if (scores.isDone()) {
      return;
    }
    try {
      long id = ++lastId;
      RewardProcess running = running();
      scores.whenComplete(
          (value, failure) -> {
            if (scores.isCancelled()) {
              running.kill();
            }
          });
      String line = running.ask(RewardMessages.request(id, pictures), timeout);
      scores.complete(RewardMessages.scores(NAME, line, id, pictures.size()));
    } catch (Throwable e) {
      scores.completeExceptionally(closed ? closedFailure(e) : e);
    }
  }

  private RewardProcess running() {
    if (!process.isAlive()) {
      process.kill();
      process = RewardProcess.start(NAME, command);
    }
    if (closed) {
      process.kill();
      throw closedFailure(null);
    }
    return process;
  }

  @Override
  public void close() {
    closed = true;
    worker.shutdown();
    process.kill();
  }
}
