package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.CancellationToken;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.InvalidRequestException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MainLoopTest {
  private final CancellationToken cancellation = new CancellationToken();
  private final MainLoop loop = new MainLoop(cancellation);

  @Test
  void tasksOfOtherThreadsRunOnTheWaitingOne() {
    CompletableFuture<String> future = new CompletableFuture<>();
    List<Thread> threads = new ArrayList<>();
    Thread other =
        new Thread(
            () -> {
              loop.execute(() -> threads.add(Thread.currentThread()));
              loop.execute(() -> future.complete("done"));
            });
    other.start();
    assertEquals("done", loop.await(future));
    assertEquals(List.of(Thread.currentThread()), threads);
  }

  @Test
  void aFailureIsThrownItself() {
    InvalidRequestException failure = new InvalidRequestException("mine");
    assertSame(
        failure,
        assertThrows(
            InvalidRequestException.class,
            () -> loop.await(CompletableFuture.failedFuture(failure))));
  }

  @Test
  void aCancellationEndsTheWaiting() {
    new Thread(cancellation::cancel).start();
    assertThrows(GenerationCancelledException.class, () -> loop.await(new CompletableFuture<>()));
  }

  @Test
  void anInterruptEndsTheWaitingAndStaysSet() {
    Thread.currentThread().interrupt();
    assertThrows(GenerationCancelledException.class, () -> loop.await(new CompletableFuture<>()));
    assertTrue(Thread.interrupted());
  }
}
