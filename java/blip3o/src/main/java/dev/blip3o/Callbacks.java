package dev.blip3o;

import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.atomic.AtomicBoolean;

/** Runs what calls the user's code on the user's executor, or on the common pool if that fails. */
final class Callbacks implements Executor {
  private final Executor executor;

  Callbacks(Executor executor) {
    this.executor = executor;
  }

  @Override
  public void execute(Runnable task) {
    AtomicBoolean ran = new AtomicBoolean();
    Runnable once =
        () -> {
          if (ran.compareAndSet(false, true)) {
            task.run();
          }
        };
    try {
      executor.execute(once);
    } catch (RuntimeException | Error e) {
      // It refused, or could not start a thread; a future must complete all the same.
      ForkJoinPool.commonPool().execute(once);
    }
  }
}
