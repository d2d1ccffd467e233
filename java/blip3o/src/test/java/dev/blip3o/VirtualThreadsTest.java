package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Virtual threads share one model. Runs where the JDK has them (21 and later). */
@Timeout(120)
class VirtualThreadsTest {
  private static final ImageRequest REQUEST =
      ImageRequest.builder("a red circle").seed(7).steps(2).build();

  private static Blip3oModel model;
  private static ExecutorService threads;

  @BeforeAll
  static void open() throws ReflectiveOperationException {
    Assumptions.assumeTrue(Runtime.version().feature() >= 21, "this JDK has no virtual threads");
    // One carrier and none to help out: whoever waits without giving it away stops all others.
    System.setProperty("jdk.virtualThreadScheduler.parallelism", "1");
    System.setProperty("jdk.virtualThreadScheduler.maxPoolSize", "1");
    threads = virtualThreads();
    model = Blip3oModel.open(Golden.model("tiny"));
  }

  @AfterAll
  static void close() {
    if (model != null) {
      model.close();
      threads.shutdownNow();
    }
  }

  private static ExecutorService virtualThreads() throws ReflectiveOperationException {
    try {
      return (ExecutorService)
          Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    } catch (InvocationTargetException e) {
      // Of a JDK where they are a preview that was not enabled.
      return Assumptions.abort("virtual threads are not enabled: " + e.getCause());
    }
  }

  @Test
  void twoHundredOfThemGetThePicturesTheyAskedFor() throws Exception {
    List<Pixels> expected = new ArrayList<>();
    for (int seed = 0; seed < 4; seed++) {
      expected.add(model.generate(REQUEST.toBuilder().seed(seed).build()).pixels());
    }
    List<Future<Pixels>> found = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      ImageRequest request = REQUEST.toBuilder().seed(i % 4).build();
      found.add(threads.submit(() -> model.generate(request).pixels()));
    }
    for (int i = 0; i < found.size(); i++) {
      assertEquals(expected.get(i % 4), found.get(i).get(60, TimeUnit.SECONDS));
    }
  }

  @Test
  void oneThatWaitsGivesItsCarrierAway() throws Exception {
    CancellationToken token = new CancellationToken();
    CountDownLatch running = new CountDownLatch(1);
    ImageRequest endless = REQUEST.toBuilder().steps(1000).build();
    Future<GeneratedImage> waiting =
        threads.submit(() -> model.generate(endless, progress -> running.countDown(), token));
    assertTrue(running.await(60, TimeUnit.SECONDS));
    // Runs only on the carrier that the waiting one left.
    threads.submit(token::cancel).get(60, TimeUnit.SECONDS);
    Throwable cause =
        assertThrows(ExecutionException.class, () -> waiting.get(60, TimeUnit.SECONDS)).getCause();
    assertEquals(GenerationCancelledException.class, cause.getClass());
  }

  @Test
  void anInterruptCancels() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    ImageRequest endless = REQUEST.toBuilder().steps(1000).build();
    CountDownLatch cancelled = new CountDownLatch(1);
    Future<?> waiting =
        threads.submit(
            () -> {
              assertThrows(
                  GenerationCancelledException.class,
                  () -> model.generate(endless, progress -> running.countDown()));
              assertTrue(Thread.currentThread().isInterrupted());
              cancelled.countDown();
            });
    assertTrue(running.await(60, TimeUnit.SECONDS));
    waiting.cancel(true);
    assertTrue(cancelled.await(60, TimeUnit.SECONDS));
  }
}
