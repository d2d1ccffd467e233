package dev.blip3o.server.limits;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ClientLimitsTest {
  private final AtomicLong clock = new AtomicLong(-5_000_000_000L);

  private ClientLimits limits(int concurrency, int perMinute) {
    return new ClientLimits(concurrency, perMinute, clock::get);
  }

  private void pass(Duration time) {
    clock.addAndGet(time.toNanos());
  }

  private static LimitExceededException refused(ClientLimits limits, String client) {
    return assertThrows(LimitExceededException.class, () -> limits.enter(client));
  }

  @Test
  void aClientHasSoManyRequestsUnderWay() {
    ClientLimits limits = limits(2, 0);
    Permit first = limits.enter("a");
    limits.enter("a");
    LimitExceededException refusal = refused(limits, "a");
    assertTrue(refusal.getMessage().contains("2 requests under way"), refusal.getMessage());
    assertEquals(Duration.ofSeconds(1), refusal.retryAfter());
    limits.enter("b");
    first.close();
    first.close();
    limits.enter("a");
    refused(limits, "a");
  }

  @Test
  void aClientSendsSoManyAMinute() {
    ClientLimits limits = limits(0, 6);
    for (int i = 0; i < 6; i++) {
      limits.enter("a").close();
    }
    LimitExceededException refusal = refused(limits, "a");
    assertEquals(Duration.ofSeconds(10), refusal.retryAfter());
    assertTrue(refusal.getMessage().contains("6 requests a minute. Try again in 10 s"));
    limits.enter("b").close();
    pass(Duration.ofSeconds(4));
    assertEquals(Duration.ofSeconds(6), refused(limits, "a").retryAfter());
    pass(Duration.ofSeconds(6));
    limits.enter("a").close();
    refused(limits, "a");
  }

  @Test
  void whoWaitsAsLongAsToldIsLetIn() {
    ClientLimits limits = limits(0, 7);
    Random random = new Random(1);
    for (int i = 0; i < 1000; i++) {
      try {
        limits.enter("a").close();
        pass(Duration.ofMillis(random.nextInt(4000)));
      } catch (LimitExceededException refusal) {
        pass(refusal.retryAfter());
        limits.enter("a").close();
      }
    }
  }

  @Test
  void aRefusalForConcurrencyCostsNoToken() {
    ClientLimits limits = limits(1, 2);
    Permit first = limits.enter("a");
    refused(limits, "a");
    refused(limits, "a");
    first.close();
    limits.enter("a").close();
    assertTrue(refused(limits, "a").getMessage().contains("a minute"));
  }

  @Test
  void withoutLimitsEveryoneIsLetIn() {
    ClientLimits limits = limits(0, 0);
    for (int i = 0; i < 5000; i++) {
      limits.enter("a");
    }
    assertEquals(1, limits.size());
  }

  @Test
  void ofIdleClientsNothingIsKept() {
    ClientLimits limits = limits(3, 0);
    limits.enter("a").close();
    assertEquals(0, limits.size());

    ClientLimits rates = limits(0, 60);
    Permit stays = rates.enter("stays");
    for (int i = 0; i < 100_000; i++) {
      rates.enter("client " + i).close();
      pass(Duration.ofMillis(10));
    }
    assertTrue(rates.size() < 3000, () -> rates.size() + " clients are kept");
    stays.close();
  }

  @Test
  void manyThreadsNeverExceedTheLimit() throws InterruptedException {
    ClientLimits limits = new ClientLimits(3, 0);
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    AtomicInteger entered = new AtomicInteger();
    CountDownLatch start = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Thread thread =
          new Thread(
              () -> {
                try {
                  start.await();
                } catch (InterruptedException e) {
                  return;
                }
                for (int k = 0; k < 2000; k++) {
                  try {
                    Permit permit = limits.enter("a");
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    entered.incrementAndGet();
                    inside.decrementAndGet();
                    permit.close();
                  } catch (LimitExceededException e) {
                    Thread.onSpinWait();
                  }
                }
              });
      thread.start();
      threads.add(thread);
    }
    start.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    assertTrue(most.get() <= 3, () -> most + " at once");
    assertTrue(entered.get() > 0);
    assertEquals(0, limits.size());
  }

  @Test
  void retryAfterIsRoundedUp() {
    assertEquals("1", RetryAfter.header(Duration.ZERO));
    assertEquals("1", RetryAfter.header(Duration.ofNanos(1)));
    assertEquals("1", RetryAfter.header(Duration.ofSeconds(1)));
    assertEquals("2", RetryAfter.header(Duration.ofSeconds(1).plusNanos(1)));
    assertEquals("10", RetryAfter.header(Duration.ofSeconds(10)));
  }
}
