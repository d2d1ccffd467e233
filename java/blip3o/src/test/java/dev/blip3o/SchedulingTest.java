package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Priorities, deadlines, limits, previews and metrics, as a caller sees them. */
@Timeout(120)
class SchedulingTest {
  private static final ImageRequest REQUEST =
      ImageRequest.builder("a red circle").seed(7).steps(4).build();
  private static final ImageRequest LONG = REQUEST.toBuilder().steps(1000).build();

  private static long enough;

  private Blip3oModel model;

  @BeforeEach
  void open() {
    model = open(ModelOptions.builder());
  }

  @AfterEach
  void close() {
    model.close();
  }

  private static Blip3oModel open(ModelOptions.Builder options) {
    return Blip3oModel.open(Golden.model("tiny"), options.build());
  }

  /** A model whose memory holds one request at a time, so that all others wait. */
  private static Blip3oModel narrow(int queueLimit) {
    return open(ModelOptions.builder().memoryLimitBytes(enough).queueLimit(queueLimit));
  }

  /** Finds the smallest limit, in KiB, under which the model takes the request. */
  @BeforeAll
  static void findLimit() {
    long tooLittle = 0;
    enough = 1L << 30;
    while (enough - tooLittle > 1024) {
      long limit = (tooLittle + enough) / 2;
      if (takes(limit)) {
        enough = limit;
      } else {
        tooLittle = limit;
      }
    }
  }

  private static boolean takes(long limit) {
    try (Blip3oModel model = open(ModelOptions.builder().memoryLimitBytes(limit))) {
      model.submit(REQUEST);
      return true;
    } catch (InsufficientMemoryException e) {
      return false;
    }
  }

  static void awaitIdle(Blip3oModel model) throws InterruptedException {
    for (ModelMetrics now = model.metrics(); now.queued() + now.running() > 0; ) {
      Thread.sleep(1);
      now = model.metrics();
    }
  }

  @Test
  void aFullQueueRefusesAtOnceAndSaysWhenToTryAgain() throws Exception {
    try (Blip3oModel narrow = narrow(2)) {
      PictureJob running = narrow.submit(LONG);
      PictureJobTest.awaitProgress(running);
      List<PictureJob> waiting = narrow.submitAll(LONG.toBuilder().count(2).build());
      QueueFullException e = assertThrows(QueueFullException.class, () -> narrow.submit(REQUEST));
      assertTrue(e.retryAfter().compareTo(Duration.ZERO) > 0, e.retryAfter().toString());
      assertTrue(e.getMessage().contains("2"), e.getMessage());
      assertThrows(QueueFullException.class, () -> narrow.generate(REQUEST));
      assertEquals(2, narrow.metrics().refused());
      assertEquals(2, narrow.metrics().queued());
      running.cancel();
      waiting.forEach(PictureJob::cancel);
      waiting.forEach(PictureJobTest::failure);
      assertEquals(64, narrow.generate(REQUEST).width());
    }
  }

  @Test
  void ofSeveralPicturesAllAreTakenOrNone() throws Exception {
    try (Blip3oModel narrow = narrow(2)) {
      PictureJob running = narrow.submit(LONG);
      PictureJobTest.awaitProgress(running);
      ImageRequest three = LONG.toBuilder().count(3).build();
      assertThrows(QueueFullException.class, () -> narrow.submitAll(three));
      running.cancel();
      PictureJobTest.failure(running);
      awaitIdle(narrow);
      ModelMetrics metrics = narrow.metrics();
      assertEquals(3, metrics.cancelled());
      assertEquals(0, metrics.done());
    }
  }

  @Test
  void aCallForManyPicturesGoesThroughASmallQueue() throws Exception {
    try (Blip3oModel narrow = narrow(1)) {
      List<GeneratedImage> images = narrow.generateAll(REQUEST.toBuilder().count(12).build());
      for (int k = 0; k < 12; k++) {
        ImageRequest alone = REQUEST.toBuilder().seed(7 + k).build();
        assertEquals(model.generate(alone).pixels(), images.get(k).pixels());
      }
      assertTrue(narrow.metrics().refused() > 0);
    }
  }

  @Test
  void aCallForManyPicturesHasAFewOnTheirWayAndReportsThemInOrder() {
    List<Integer> pictures = new ArrayList<>();
    Set<Integer> together = new HashSet<>();
    int[] most = {0};
    List<GeneratedImage> images =
        model.generateAll(
            REQUEST.toBuilder().count(20).build(),
            new ProgressListener() {
              @Override
              public void onProgress(Progress progress) {
                assertTrue(progress.picture() < pictures.size() + PictureWindow.SIZE);
                assertEquals(20, progress.pictures());
                together.add(progress.picture());
                ModelMetrics now = model.metrics();
                most[0] = Math.max(most[0], now.queued() + now.running());
              }

              @Override
              public void onPicture(int picture, GeneratedImage image) {
                pictures.add(picture);
                assertEquals(7 + picture, image.seed());
              }
            });
    assertEquals(20, images.size());
    assertEquals(20, together.size());
    assertEquals(java.util.stream.IntStream.range(0, 20).boxed().toList(), pictures);
    assertTrue(most[0] > 1 && most[0] <= PictureWindow.SIZE, "at once: " + most[0]);
  }

  @Test
  void aListenersExceptionCancelsThePicturesOnTheirWay() throws Exception {
    RuntimeException mine = new RuntimeException("mine");
    // One after the other: side by side they would all end with the first, which is heard of too
    // late to cancel any.
    try (Blip3oModel narrow = narrow(PictureWindow.SIZE)) {
      ProgressListener throwing =
          new ProgressListener() {
            @Override
            public void onProgress(Progress progress) {}

            @Override
            public void onPicture(int picture, GeneratedImage image) {
              throw mine;
            }
          };
      ImageRequest many = REQUEST.toBuilder().steps(100).count(40).build();
      RuntimeException thrown =
          assertThrows(RuntimeException.class, () -> narrow.generateAll(many, throwing));
      assertSame(mine, thrown);
      awaitIdle(narrow);
      ModelMetrics metrics = narrow.metrics();
      assertTrue(metrics.submitted() <= PictureWindow.SIZE + 1, metrics.toString());
      assertTrue(metrics.cancelled() > 0, metrics.toString());
      assertEquals(metrics.submitted(), metrics.done() + metrics.cancelled());
    }
  }

  @Test
  void theHigherPriorityIsStartedFirst() throws Exception {
    try (Blip3oModel narrow = narrow(0)) {
      PictureJob running = narrow.submit(LONG);
      PictureJobTest.awaitProgress(running);
      List<Integer> ends = Collections.synchronizedList(new ArrayList<>());
      List<PictureJob> jobs = new ArrayList<>();
      CountDownLatch done = new CountDownLatch(4);
      for (int priority : new int[] {0, -5, 7, 0}) {
        int number = jobs.size();
        PictureJob job = narrow.submit(REQUEST.toBuilder().priority(priority).build());
        job.result()
            .thenRun(
                () -> {
                  ends.add(number);
                  done.countDown();
                });
        jobs.add(job);
      }
      assertEquals(new PictureEvent.Queued(0), firstEvent(jobs.get(2)));
      assertEquals(new PictureEvent.Queued(2), firstEvent(jobs.get(3)));
      running.cancel();
      done.await();
      assertEquals(List.of(2, 0, 3, 1), ends);
      assertTrue(jobs.get(1).result().get().timings().queued().toNanos() > 0);
    }
  }

  private static PictureEvent firstEvent(PictureJob job) throws InterruptedException {
    CountDownLatch heard = new CountDownLatch(1);
    PictureEvent[] first = new PictureEvent[1];
    job.events()
        .subscribe(
            new Subscriber(
                event -> {
                  if (first[0] == null) {
                    first[0] = event;
                    heard.countDown();
                  }
                }));
    heard.await();
    return first[0];
  }

  @Test
  void aDeadlineEndsWhatRuns() throws Exception {
    ImageRequest request = LONG.toBuilder().deadline(Duration.ofMillis(50)).build();
    PictureJob job = model.submit(request);
    Subscriber subscriber = Subscriber.of(job);
    Throwable failure = PictureJobTest.failure(job);
    assertInstanceOf(DeadlineExceededException.class, failure);
    assertEquals(failure, subscriber.error());
    assertThrows(DeadlineExceededException.class, () -> model.generate(request));
    assertThrows(DeadlineExceededException.class, () -> model.stages().imageTokens(expired()));
    awaitIdle(model);
    assertEquals(3, model.metrics().expired());
    assertEquals(0, model.metrics().failed());
  }

  /** Hardly longer than it takes to say so. */
  private static ImageRequest expired() {
    return ImageRequest.builder("a red circle ".repeat(20)).deadline(Duration.ofNanos(1)).build();
  }

  @Test
  void aDeadlineEndsWhatWaits() throws Exception {
    try (Blip3oModel narrow = narrow(0)) {
      PictureJob running = narrow.submit(LONG);
      PictureJobTest.awaitProgress(running);
      PictureJob job = narrow.submit(REQUEST.toBuilder().deadline(Duration.ofMillis(30)).build());
      assertInstanceOf(DeadlineExceededException.class, PictureJobTest.failure(job));
      assertTrue(!Subscriber.of(job).events().contains(new PictureEvent.Started()));
      running.cancel();
      PictureJobTest.failure(running);
    }
  }

  @Test
  void aDeadlineIsThatOfAllPicturesOfARequest() {
    ImageRequest request =
        REQUEST.toBuilder().steps(200).count(500).deadline(Duration.ofMillis(700)).build();
    List<Integer> pictures = new ArrayList<>();
    long start = System.nanoTime();
    assertThrows(
        DeadlineExceededException.class,
        () ->
            model.generateAll(
                request,
                new ProgressListener() {
                  @Override
                  public void onProgress(Progress progress) {}

                  @Override
                  public void onPicture(int picture, GeneratedImage image) {
                    pictures.add(picture);
                  }
                }));
    assertTrue(pictures.size() < 500);
    assertTrue(System.nanoTime() - start < Duration.ofSeconds(30).toNanos());
  }

  @Test
  void aDeadlineThatIsMetChangesNothing() {
    ImageRequest request =
        REQUEST.toBuilder().deadline(Duration.ofDays(2)).priority(100).previewEvery(1).build();
    GeneratedImage image = model.generate(request);
    GeneratedImage plain = model.generate(REQUEST);
    assertEquals(plain.pixels(), image.pixels());
    assertEquals(plain.settings(), image.settings());
    assertEquals(Optional.of(Duration.ofDays(2)), image.request().deadline());
  }

  @Test
  void previewsComeEverySoManySteps() throws Exception {
    ImageRequest request = REQUEST.toBuilder().steps(7).previewEvery(2).build();
    List<Integer> steps = new ArrayList<>();
    List<PictureEvent.Preview> previews = new ArrayList<>();
    model.generate(
        request,
        new ProgressListener() {
          @Override
          public void onProgress(Progress progress) {}

          @Override
          public void onPreview(int picture, PictureEvent.Preview preview) {
            assertEquals(0, picture);
            steps.add(preview.step());
            previews.add(preview);
          }
        });
    // A listener that is slow misses some, never the last.
    assertTrue(List.of(2, 4, 6).containsAll(steps), steps.toString());
    assertEquals(6, steps.get(steps.size() - 1));
    assertEquals(steps.stream().sorted().toList(), steps);
    PictureEvent.Preview last = previews.get(previews.size() - 1);
    assertEquals(7, last.steps());
    assertEquals(model.info().latentWidth(), last.width());
    assertEquals(model.info().latentHeight(), last.height());
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(last.png()));
    assertEquals(last.width(), image.getWidth());
    assertEquals(last.height(), image.getHeight());
    last.png()[0] = 0;
    assertEquals((byte) 0x89, last.png()[0]);
    assertEquals(3, model.metrics().previews());
  }

  @Test
  void aLateSubscriberGetsTheLastPreviewOnly() throws Exception {
    PictureJob job = model.submit(REQUEST.toBuilder().steps(9).previewEvery(1).build());
    job.result().get();
    List<PictureEvent> events = Subscriber.of(job).events();
    List<PictureEvent> previews =
        events.stream().filter(PictureEvent.Preview.class::isInstance).toList();
    assertEquals(1, previews.size());
    PictureEvent.Preview preview = (PictureEvent.Preview) previews.get(0);
    assertEquals(8, preview.step());
    PictureEvent before = events.get(events.indexOf(preview) - 1);
    assertEquals(
        new PictureEvent.Progressed(new Progress(Progress.Stage.STEPS, 8, 9, 0, 1)), before);
    List<PictureEvent> again = Subscriber.of(job).events();
    assertArrayEquals(events.toArray(), again.toArray());
  }

  @Test
  void metricsCountWhatWasDone() throws Exception {
    ModelMetrics before = model.metrics();
    assertEquals(0, before.submitted());
    assertEquals(0, before.tokens());
    model.generate(REQUEST);
    PictureJob cancelled = model.submit(LONG);
    PictureJobTest.awaitProgress(cancelled);
    assertEquals(1, model.metrics().running());
    cancelled.cancel();
    PictureJobTest.failure(cancelled);
    awaitIdle(model);
    ModelMetrics metrics = model.metrics();
    assertEquals(2, metrics.submitted());
    assertEquals(2, metrics.started());
    assertEquals(1, metrics.done());
    assertEquals(1, metrics.cancelled());
    assertEquals(0, metrics.failed() + metrics.expired() + metrics.refused());
    assertEquals(1, metrics.pictures());
    assertTrue(metrics.tokens() >= model.info().imageTokens());
    assertTrue(metrics.tokenBatchOccupancy() == 1, metrics.toString());
    assertTrue(metrics.steps() >= 4);
    assertEquals(2, metrics.promptsComputed() + metrics.promptsReused());
    assertTrue(metrics.stepsTime().compareTo(Duration.ZERO) > 0);
    assertTrue(metrics.decodeTime().compareTo(Duration.ZERO) > 0);
    assertTrue(metrics.meanTimeToFirstToken().compareTo(Duration.ZERO) > 0);
    assertTrue(metrics.memoryInUseBytes() <= metrics.memoryPeakBytes());
    assertTrue(metrics.memoryPeakBytes() <= metrics.memoryLimitBytes());
  }

  @Test
  void waitingTokensAndInterruptsLeaveTheQueueAtOnce() throws Exception {
    try (Blip3oModel narrow = narrow(0)) {
      PictureJob running = narrow.submit(LONG);
      PictureJobTest.awaitProgress(running);
      CancellationToken token = new CancellationToken();
      Thread canceller =
          new Thread(
              () -> {
                awaitQueued(narrow, 1);
                token.cancel();
              });
      canceller.start();
      assertThrows(
          GenerationCancelledException.class,
          () -> narrow.generate(REQUEST, ProgressListener.NONE, token));
      Thread caller = Thread.currentThread();
      Thread interrupter =
          new Thread(
              () -> {
                awaitQueued(narrow, 1);
                caller.interrupt();
              });
      canceller.join();
      awaitQueued(narrow, 0);
      interrupter.start();
      assertThrows(GenerationCancelledException.class, () -> narrow.generate(REQUEST));
      assertTrue(Thread.interrupted());
      interrupter.join();
      awaitQueued(narrow, 0);
      assertEquals(1, narrow.metrics().running());
      running.cancel();
      PictureJobTest.failure(running);
    }
  }

  private static void awaitQueued(Blip3oModel model, int count) {
    while (model.metrics().queued() != count) {
      Thread.onSpinWait();
    }
  }
}
