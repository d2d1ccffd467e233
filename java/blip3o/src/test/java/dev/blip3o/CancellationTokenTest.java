package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class CancellationTokenTest {
  private final CancellationToken token = new CancellationToken();
  private final AtomicInteger heard = new AtomicInteger();
  private final Runnable listener = heard::incrementAndGet;

  @Test
  void oneCancelledStaysSo() {
    assertFalse(token.isCancelled());
    token.cancel();
    token.cancel();
    assertTrue(token.isCancelled());
  }

  @Test
  void listenersHearItOnce() {
    token.listen(listener);
    assertEquals(0, heard.get());
    token.cancel();
    token.cancel();
    assertEquals(1, heard.get());
  }

  @Test
  void whoComesLateHearsItAtOnce() {
    token.cancel();
    token.listen(listener);
    assertEquals(1, heard.get());
  }

  @Test
  void whoHasLeftHearsNothing() {
    token.listen(listener);
    token.ignore(listener);
    token.cancel();
    assertEquals(0, heard.get());
  }

  @Test
  void aListenerSeesTheTokenCancelledAndMayLeave() {
    Runnable[] leaving = new Runnable[1];
    leaving[0] =
        () -> {
          token.ignore(leaving[0]);
          if (token.isCancelled()) {
            heard.incrementAndGet();
          }
        };
    token.listen(leaving[0]);
    token.cancel();
    assertEquals(1, heard.get());
  }
}
