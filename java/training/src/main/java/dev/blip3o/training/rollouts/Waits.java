package dev.blip3o.training.rollouts;

import dev.blip3o.Blip3oException;
import dev.blip3o.CancellationToken;
import dev.blip3o.GenerationCancelledException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for futures that a token can end. */
public final class Waits {
  private static final long LOOK_MILLIS = 50;

  private Waits() {}

  /**
   * The value of a future, with its failure as it was thrown.
   *
   * @throws GenerationCancelledException if the token is cancelled or the thread interrupted
   */
  public static <T> T on(CompletableFuture<T> future, CancellationToken cancellation) {
    while (true) {
      if (cancellation.isCancelled()) {
        throw new GenerationCancelledException("training was cancelled");
      }
      try {
        return future.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        continue;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new GenerationCancelledException("training was interrupted", e);
      } catch (CancellationException e) {
        throw new GenerationCancelledException("training was cancelled", e);
      } catch (ExecutionException e) {
        throw thrown(e.getCause());
      }
    }
  }

  private static RuntimeException thrown(Throwable cause) {
    if (cause instanceof Error error) {
      throw error;
    }
    if (cause instanceof Blip3oException known) {
      return known;
    }
    return cause instanceof RuntimeException other ? other : new IllegalStateException(cause);
  }
}
