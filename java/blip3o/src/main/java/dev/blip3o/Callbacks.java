package dev.blip3o;

import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.RejectedExecutionException;

/** Runs what calls the user's code on the user's executor. */
final class Callbacks implements Executor {
  private final Executor executor;

  Callbacks(Executor executor) {
    this.executor = executor;
  }

  /** Runs {@code task} on the common pool where the executor refuses it: futures must complete. */
  @Override
  public void execute(Runnable task) {
    try {
      executor.execute(task);
    } catch (RejectedExecutionException e) {
      ForkJoinPool.commonPool().execute(task);
    }
  }
}
