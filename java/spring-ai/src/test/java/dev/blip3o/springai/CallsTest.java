package dev.blip3o.springai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls are taken until the drain, which waits for those under way. */
@Timeout(60)
class CallsTest {
  private static final Duration LONG = Duration.ofSeconds(Long.MAX_VALUE);
  private final Calls calls = new Calls();

  @Test
  void withoutCallsNobodyWaits() {
    assertTrue(calls.drain(Duration.ZERO));
  }

  @Test
  void aDrainTakesNoMoreCalls() {
    calls.drain(Duration.ZERO);
    assertThrows(IllegalStateException.class, calls::enter);
    calls.resume();
    calls.enter();
    assertFalse(calls.drain(Duration.ZERO));
  }

  @Test
  void aDrainWaitsForTheLastCall() throws InterruptedException {
    calls.enter();
    calls.enter();
    CompletableFuture<Boolean> drained = new CompletableFuture<>();
    Thread drainer = new Thread(() -> drained.complete(calls.drain(LONG)));
    drainer.start();
    untilItWaits(drainer);
    calls.leave();
    assertFalse(drained.isDone());
    untilItWaits(drainer);
    calls.leave();
    assertEquals(true, drained.join());
  }

  private static void untilItWaits(Thread thread) {
    while (thread.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
  }

  @Test
  void aTimeoutEndsTheWait() {
    calls.enter();
    assertFalse(calls.drain(Duration.ofMillis(1)));
  }

  @Test
  void anInterruptEndsTheWaitAndStays() {
    calls.enter();
    Thread.currentThread().interrupt();
    assertFalse(calls.drain(LONG));
    assertTrue(Thread.interrupted());
  }
}
