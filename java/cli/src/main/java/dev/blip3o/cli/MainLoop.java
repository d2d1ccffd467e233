package dev.blip3o.cli;

import dev.blip3o.CancellationToken;
import dev.blip3o.GenerationCancelledException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Runs a model's callbacks on the main thread while that waits, so that what they touch, the
 * display above all, needs no locks.
 */
final class MainLoop implements Executor {
  /** How long a cancellation may go unnoticed while nothing happens. */
  private static final long POLL_MILLIS = 50;

  private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
  private final CancellationToken cancellation;

  MainLoop(CancellationToken cancellation) {
    this.cancellation = cancellation;
  }

  @Override
  public void execute(Runnable task) {
    tasks.add(task);
  }

  /** Runs tasks until {@code future} is done; its failure is thrown. */
  <T> T await(CompletableFuture<T> future) {
    while (!future.isDone()) {
      Runnable task = next();
      if (cancellation.isCancelled()) {
        throw new GenerationCancelledException("cancelled by its token");
      }
      if (task != null) {
        task.run();
      }
    }
    try {
      return future.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw e;
    }
  }

  private Runnable next() {
    try {
      return tasks.poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GenerationCancelledException("cancelled because the main thread was interrupted");
    }
  }
}
