package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class CallbacksTest {
  private final AtomicInteger runs = new AtomicInteger();
  private final CountDownLatch ran = new CountDownLatch(1);

  private void run(Executor executor) throws InterruptedException {
    new Callbacks(executor)
        .execute(
            () -> {
              runs.incrementAndGet();
              ran.countDown();
            });
    assertTrue(ran.await(30, TimeUnit.SECONDS));
  }

  @Test
  void tasksRunOnTheExecutor() throws Exception {
    AtomicInteger given = new AtomicInteger();
    run(
        task -> {
          given.incrementAndGet();
          task.run();
        });
    assertEquals(1, given.get());
    assertEquals(1, runs.get());
  }

  @Test
  void whatTheExecutorRefusesRunsAllTheSame() throws Exception {
    run(
        task -> {
          throw new RejectedExecutionException("mine");
        });
    assertEquals(1, runs.get());
  }

  @Test
  void anExecutorWithoutThreadsLosesNothing() throws Exception {
    run(
        task -> {
          throw new OutOfMemoryError("unable to create native thread");
        });
    assertEquals(1, runs.get());
  }

  @Test
  void anExecutorThatRunsAndThenThrowsRunsOnce() throws Exception {
    run(
        task -> {
          task.run();
          throw new IllegalStateException("mine");
        });
    Thread.sleep(100);
    assertEquals(1, runs.get());
  }
}
