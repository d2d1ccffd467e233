package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Pictures that nobody waits for at once. */
@Timeout(120)
class PictureJobTest {
  private static final ImageRequest REQUEST =
      ImageRequest.builder("a red circle").seed(7).steps(4).build();

  /** Long enough to be still running whenever a test cancels it. */
  private static final ImageRequest LONG = REQUEST.toBuilder().steps(1000).build();

  private static Blip3oModel model;
  private static Pixels expected;

  @BeforeAll
  static void open() {
    model = Blip3oModel.open(Golden.model("tiny"));
    expected = model.generate(REQUEST).pixels();
  }

  @AfterAll
  static void close() {
    model.close();
  }

  /** How the job failed, once it has. */
  static Throwable failure(PictureJob job) {
    return assertThrows(ExecutionException.class, () -> job.result().get(60, TimeUnit.SECONDS))
        .getCause();
  }

  /** Returns when the job's work has begun. */
  static void awaitProgress(PictureJob job) throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    job.events()
        .subscribe(
            new Subscriber(
                event -> {
                  if (event instanceof PictureEvent.Progressed) {
                    begun.countDown();
                  }
                }));
    assertTrue(begun.await(60, TimeUnit.SECONDS));
  }

  @Test
  void itYieldsThePictureOfTheBlockingCall() throws Exception {
    PictureJob job = model.submit(REQUEST);
    GeneratedImage image = job.result().get();
    assertEquals(expected, image.pixels());
    assertEquals(job.request(), image.request());
    assertEquals(7, job.request().seed().getAsLong());
    assertEquals(4, job.request().steps().getAsInt());
    assertEquals(model.info().defaultTopK(), job.request().topK().getAsInt());
    assertSame(job.result(), job.result());
    assertTrue(image.timings().compute().compareTo(image.timings().total()) <= 0);
  }

  @Test
  void editsAreSubmittedToo() throws Exception {
    EditRequest edit =
        EditRequest.builder("make it blue", InputImage.of(PictureFiles.pattern(40, 30)))
            .seed(3)
            .steps(2)
            .build();
    assertEquals(model.edit(edit).pixels(), model.submit(edit).result().get().pixels());
  }

  @Test
  void eventsComeInTheirOrderFromTheFirstToTheLast() throws Exception {
    PictureJob job = model.submit(REQUEST);
    List<PictureEvent> events = Subscriber.of(job).events();
    assertInstanceOf(PictureEvent.Queued.class, events.get(0));
    assertEquals(new PictureEvent.Started(), events.get(1));
    List<Progress> progress = new ArrayList<>();
    for (PictureEvent event : events.subList(2, events.size() - 1)) {
      progress.add(assertInstanceOf(PictureEvent.Progressed.class, event).progress());
    }
    List<Progress> blocking = new ArrayList<>();
    model.generate(REQUEST, blocking::add);
    assertEquals(blocking, progress);
    PictureEvent last = events.get(events.size() - 1);
    assertSame(job.result().get(), assertInstanceOf(PictureEvent.Finished.class, last).image());
  }

  @Test
  void whoSubscribesLateHearsTheSame() throws Exception {
    PictureJob job = model.submit(REQUEST);
    Subscriber early = Subscriber.of(job);
    job.result().get();
    assertEquals(early.events(), Subscriber.of(job).events());
  }

  @Test
  void aSubscriberThatAsksForNothingHoldsNothingUp() throws Exception {
    PictureJob job = model.submit(REQUEST);
    CountDownLatch subscribed = new CountDownLatch(1);
    List<String> calls = new ArrayList<>();
    job.events()
        .subscribe(
            new Flow.Subscriber<>() {
              @Override
              public void onSubscribe(Flow.Subscription subscription) {
                subscribed.countDown();
              }

              @Override
              public void onNext(PictureEvent event) {
                calls.add("next");
              }

              @Override
              public void onError(Throwable error) {
                calls.add("error");
              }

              @Override
              public void onComplete() {
                calls.add("complete");
              }
            });
    subscribed.await();
    assertEquals(expected, job.result().get().pixels());
    Subscriber.of(job).events();
    assertEquals(List.of(), calls);
  }

  @Test
  void itsOwnCancelEndsIt() throws Exception {
    PictureJob job = model.submit(LONG);
    Subscriber subscriber = Subscriber.of(job);
    awaitProgress(job);
    job.cancel();
    job.cancel();
    Throwable failure = failure(job);
    assertInstanceOf(GenerationCancelledException.class, failure);
    assertSame(failure, subscriber.error());
    assertTrue(job.result().isCompletedExceptionally() && !job.result().isCancelled());
  }

  @Test
  void cancellingTheFutureCancelsTheJob() throws Exception {
    PictureJob job = model.submit(LONG);
    Subscriber subscriber = Subscriber.of(job);
    awaitProgress(job);
    assertTrue(job.result().cancel(false));
    assertThrows(CancellationException.class, () -> job.result().join());
    assertInstanceOf(GenerationCancelledException.class, subscriber.error());
  }

  @Test
  void aTimeLimitOfTheFutureCancelsTheJob() throws Exception {
    PictureJob job = model.submit(LONG);
    Subscriber subscriber = Subscriber.of(job);
    job.result().orTimeout(20, TimeUnit.MILLISECONDS);
    assertInstanceOf(TimeoutException.class, failure(job));
    assertInstanceOf(GenerationCancelledException.class, subscriber.error());
  }

  @Test
  void cancellingAfterTheEndChangesNothing() throws Exception {
    PictureJob job = model.submit(REQUEST);
    GeneratedImage image = job.result().get();
    job.cancel();
    job.result().cancel(true);
    assertSame(image, job.result().get());
    assertEquals(null, Subscriber.of(job).error());
  }

  @Test
  void whatFailsInNativeCodeIsTheFuturesFailure() throws Exception {
    // All null and no guidance: what a request may say, and what no float can sum.
    Condition huge =
        Condition.of(
            model.info().imageTokens() + 1,
            model.info().captionSize(),
            filled((model.info().imageTokens() + 1) * model.info().captionSize()));
    NumericException failure =
        assertThrows(
            NumericException.class,
            () -> model.stages().denoise(huge, model.stages().noise(1), 1, 1));
    StackTraceElement[] stack = failure.getStackTrace();
    assertTrue(
        List.of(stack).stream().anyMatch(at -> at.getClassName().equals(getClass().getName())),
        "a blocking call's failure must show who called");
  }

  private static float[] filled(int count) {
    float[] values = new float[count];
    java.util.Arrays.fill(values, Float.MAX_VALUE);
    return values;
  }

  @Test
  void refusalsAreThrownBySubmit() {
    ImageRequest two = REQUEST.toBuilder().count(2).build();
    String message =
        assertThrows(InvalidRequestException.class, () -> model.submit(two)).getMessage();
    assertTrue(message.contains("count is 2; use submitAll"), message);
    ImageRequest tokens = REQUEST.toBuilder().tokens(1, 2, 3).build();
    assertThrows(InvalidRequestException.class, () -> model.submit(tokens));
    assertThrows(InvalidRequestException.class, () -> model.submitAll(tokens));
    assertThrows(NullPointerException.class, () -> model.submit(null));
  }

  @Test
  void severalPicturesAreThoseOfTheirSeeds() throws Exception {
    List<PictureJob> jobs = model.submitAll(REQUEST.toBuilder().count(3).build());
    assertEquals(3, jobs.size());
    for (int k = 0; k < 3; k++) {
      PictureJob job = jobs.get(k);
      assertEquals(7 + k, job.request().seed().getAsLong());
      assertEquals(1, job.request().count());
      ImageRequest alone = REQUEST.toBuilder().seed(7 + k).build();
      assertEquals(model.generate(alone).pixels(), job.result().get().pixels());
      for (PictureEvent event : Subscriber.of(job).events()) {
        if (event instanceof PictureEvent.Progressed progressed) {
          assertEquals(k, progressed.progress().picture());
          assertEquals(3, progressed.progress().pictures());
        }
      }
    }
  }

  @Test
  void aRandomSeedIsKnownBeforeThePictureIs() throws Exception {
    PictureJob job = model.submit(ImageRequest.builder("a red circle").steps(1).build());
    ImageRequest again = (ImageRequest) job.request();
    assertEquals(job.result().get().pixels(), model.generate(again).pixels());
  }

  @Test
  void theUsersCodeRunsOnTheUsersExecutor() throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(2, task -> new Thread(task, "mine"));
    ModelOptions options = ModelOptions.builder().executor(executor).build();
    try (Blip3oModel own = Blip3oModel.open(Golden.model("tiny"), options)) {
      PictureJob job = own.submit(REQUEST);
      Subscriber subscriber = Subscriber.of(job);
      CompletableFuture<String> then =
          job.result().thenApply(image -> Thread.currentThread().getName());
      CompletableFuture<String> async =
          job.result()
              .thenApply(image -> image)
              .thenApplyAsync(image -> Thread.currentThread().getName());
      assertEquals("mine", then.get());
      assertEquals("mine", async.get());
      assertEquals(Set.of("mine"), new HashSet<>(subscriber.threads()));
    } finally {
      executor.shutdownNow();
    }
  }

  @Test
  void withoutAnExecutorItIsTheCommonPool() throws Exception {
    PictureJob job = model.submit(REQUEST);
    for (String thread : Subscriber.of(job).threads()) {
      assertTrue(thread.startsWith("ForkJoinPool.commonPool"), thread);
    }
  }

  @Test
  void anExecutorThatRefusesLosesNothing() throws Exception {
    ModelOptions options =
        ModelOptions.builder()
            .executor(
                task -> {
                  throw new RejectedExecutionException("mine");
                })
            .build();
    try (Blip3oModel own = Blip3oModel.open(Golden.model("tiny"), options)) {
      PictureJob job = own.submit(REQUEST);
      Subscriber subscriber = Subscriber.of(job);
      assertEquals(expected, job.result().get().pixels());
      assertEquals(null, subscriber.error());
    }
  }

  @Test
  void anExecutorWhoseThreadsAreBusyHoldsNoBlockingCallUp() throws Exception {
    ExecutorService executor = Executors.newSingleThreadExecutor();
    CountDownLatch leave = new CountDownLatch(1);
    executor.execute(
        () -> {
          try {
            leave.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    ModelOptions options = ModelOptions.builder().executor(executor).build();
    try (Blip3oModel own = Blip3oModel.open(Golden.model("tiny"), options)) {
      PictureJob job = own.submit(REQUEST);
      assertEquals(expected, own.generate(REQUEST).pixels());
      assertTrue(!job.result().isDone());
      leave.countDown();
      assertEquals(expected, job.result().get().pixels());
    } finally {
      executor.shutdownNow();
    }
  }

  @Test
  void aDependentStageMayBlockOnTheModel() throws Exception {
    CompletableFuture<Pixels> second =
        model
            .submit(LONG.toBuilder().steps(2).build())
            .result()
            .thenApply(image -> model.generate(REQUEST).pixels());
    assertEquals(expected, second.get());
  }

  @Test
  void whatADependentStageThrowsIsItsOwn() throws Exception {
    PictureJob job = model.submit(REQUEST);
    RuntimeException mine = new RuntimeException("mine");
    CompletableFuture<Object> broken =
        job.result()
            .thenApply(
                image -> {
                  throw mine;
                });
    assertSame(mine, assertThrows(CompletionException.class, broken::join).getCause());
    assertEquals(expected, job.result().get().pixels());
    assertEquals(expected, model.generate(REQUEST).pixels());
  }
}
