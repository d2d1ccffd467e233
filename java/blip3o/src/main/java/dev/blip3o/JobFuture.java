package dev.blip3o;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** A future whose dependent stages run on a model's executor, also those that say {@code Async}. */
final class JobFuture<T> extends CompletableFuture<T> {
  private final Executor executor;

  JobFuture(Executor executor) {
    this.executor = executor;
  }

  @Override
  public Executor defaultExecutor() {
    return executor;
  }

  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new JobFuture<>(executor);
  }
}
