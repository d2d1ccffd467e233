package dev.blip3o.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class NativeHandleTest {
  private final AtomicInteger frees = new AtomicInteger();
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @AfterEach
  void stopThreads() {
    threads.shutdownNow();
  }

  @Test
  void closesOnce() {
    NativeHandle handle = new NativeHandle("the thing", frees::incrementAndGet);
    handle.close();
    handle.close();
    assertEquals(1, frees.get());
  }

  @Test
  void letsNobodyInOnceClosed() {
    NativeHandle handle = new NativeHandle("the thing", frees::incrementAndGet);
    handle.close();
    AtomicBoolean ran = new AtomicBoolean();
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> handle.use(() -> ran.getAndSet(true)));
    assertEquals("the thing is closed", e.getMessage());
    assertFalse(ran.get());
  }

  @Test
  void waitsForThoseInside() throws Exception {
    NativeHandle handle = new NativeHandle("the thing", frees::incrementAndGet);
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    Future<Integer> use =
        threads.submit(
            () ->
                handle.use(
                    () -> {
                      inside.countDown();
                      awaitQuietly(leave);
                      return frees.get();
                    }));
    inside.await();
    Thread closer = new Thread(handle::close);
    closer.start();
    while (closer.getState() != Thread.State.WAITING) {
      pause(1);
    }
    assertThrows(IllegalStateException.class, () -> handle.use(() -> null));
    assertEquals(0, frees.get());
    leave.countDown();
    closer.join();
    assertEquals(1, frees.get());
    assertEquals(0, use.get());
  }

  @Test
  void survivesUseAndCloseFromManyThreads() throws Exception {
    for (int round = 0; round < 200; round++) {
      AtomicInteger freed = new AtomicInteger();
      NativeHandle handle = new NativeHandle("the thing", freed::incrementAndGet);
      CountDownLatch start = new CountDownLatch(1);
      List<Future<?>> futures = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        boolean closer = i % 2 == 0;
        futures.add(
            threads.submit(
                () -> {
                  start.await();
                  if (closer) {
                    handle.close();
                    assertEquals(1, freed.get(), "close returned before the thing was freed");
                  } else {
                    useUntilClosed(handle, freed);
                  }
                  return null;
                }));
      }
      start.countDown();
      for (Future<?> future : futures) {
        future.get(30, TimeUnit.SECONDS);
      }
      assertEquals(1, freed.get());
    }
  }

  private static void useUntilClosed(NativeHandle handle, AtomicInteger freed) {
    try {
      while (true) {
        assertEquals(0, handle.use(freed::get), "freed while in use");
      }
    } catch (IllegalStateException e) {
      assertEquals("the thing is closed", e.getMessage());
    }
  }

  @Test
  void closingFromInsideFreesWhenTheLastOneLeaves() {
    NativeHandle handle = new NativeHandle("the thing", frees::incrementAndGet);
    int meanwhile =
        handle.use(
            () -> {
              handle.close();
              return frees.get();
            });
    assertEquals(0, meanwhile);
    assertEquals(1, frees.get());
  }

  @Test
  void nestedUseCounts() {
    NativeHandle handle = new NativeHandle("the thing", frees::incrementAndGet);
    int afterInner =
        handle.use(
            () -> {
              handle.use(() -> null);
              handle.close();
              return frees.get();
            });
    assertEquals(0, afterInner);
    assertEquals(1, frees.get());
  }

  @Test
  void exceptionsLeaveTheHandleUsable() {
    NativeHandle handle = new NativeHandle("the thing", frees::incrementAndGet);
    assertThrows(
        ArithmeticException.class,
        () ->
            handle.use(
                () -> {
                  throw new ArithmeticException();
                }));
    handle.close();
    assertEquals(1, frees.get());
  }

  @Test
  void interruptsDontShortenClosing() throws Exception {
    NativeHandle handle = new NativeHandle("the thing", frees::incrementAndGet);
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    threads.submit(
        () ->
            handle.use(
                () -> {
                  inside.countDown();
                  return awaitQuietly(leave);
                }));
    inside.await();
    Future<Boolean> closed =
        threads.submit(
            () -> {
              Thread.currentThread().interrupt();
              handle.close();
              return Thread.currentThread().isInterrupted() && frees.get() == 1;
            });
    pause(50);
    assertFalse(closed.isDone());
    leave.countDown();
    assertTrue(closed.get());
  }

  @Test
  void garbageCollectionFreesWhatWasForgottenButNotWhatIsInUse() throws Exception {
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    // Only the running call refers to the handle.
    Future<Integer> use =
        threads.submit(
            () ->
                new NativeHandle("the thing", frees::incrementAndGet)
                    .use(
                        () -> {
                          inside.countDown();
                          awaitQuietly(leave);
                          return frees.get();
                        }));
    inside.await();
    for (int i = 0; i < 10; i++) {
      System.gc();
      pause(10);
    }
    assertEquals(0, frees.get());
    leave.countDown();
    assertEquals(0, use.get());
    for (int i = 0; i < 500 && frees.get() == 0; i++) {
      System.gc();
      pause(10);
    }
    assertEquals(1, frees.get());
  }

  private static boolean awaitQuietly(CountDownLatch latch) {
    try {
      return latch.await(30, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      return false;
    }
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
