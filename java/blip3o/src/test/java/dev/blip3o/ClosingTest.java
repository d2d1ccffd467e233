package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How a model with work on its way ends, closed or forgotten. */
@Timeout(120)
class ClosingTest {
  private static final ImageRequest REQUEST =
      ImageRequest.builder("a red circle").seed(7).steps(4).build();
  private static final ImageRequest LONG = REQUEST.toBuilder().steps(1000).build();

  private Set<Thread> before;

  @BeforeEach
  void noteThreads() {
    before = eventThreads();
  }

  private static Set<Thread> eventThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("blip3o-events"))
        .collect(Collectors.toSet());
  }

  /** The event thread of the model that was opened since the test began. */
  private Thread eventThread() {
    Set<Thread> now = eventThreads();
    now.removeAll(before);
    assertEquals(1, now.size());
    Thread thread = now.iterator().next();
    assertTrue(thread.isDaemon());
    return thread;
  }

  private static Blip3oModel open() {
    return Blip3oModel.open(Golden.model("tiny"));
  }

  @Test
  void closingCancelsWhatRunsAndWhatWaits() throws Exception {
    Blip3oModel model = open();
    Thread thread = eventThread();
    List<PictureJob> jobs = model.submitAll(LONG.toBuilder().count(5).build());
    List<Subscriber> subscribers = jobs.stream().map(Subscriber::of).toList();
    PictureJobTest.awaitProgress(jobs.get(0));
    model.close();
    assertTrue(!thread.isAlive());
    for (int k = 0; k < jobs.size(); k++) {
      assertInstanceOf(GenerationCancelledException.class, PictureJobTest.failure(jobs.get(k)));
      assertInstanceOf(GenerationCancelledException.class, subscribers.get(k).error());
      jobs.get(k).cancel();
    }
    assertThrows(IllegalStateException.class, () -> model.submit(REQUEST));
    assertThrows(IllegalStateException.class, model::metrics);
    model.close();
  }

  @Test
  void eventsAndResultsOutliveTheModel() throws Exception {
    Blip3oModel model = open();
    PictureJob job = model.submit(REQUEST);
    GeneratedImage image = job.result().get();
    model.close();
    assertEquals(image, job.result().get());
    List<PictureEvent> events = Subscriber.of(job).events();
    assertEquals(new PictureEvent.Finished(image), events.get(events.size() - 1));
  }

  @Test
  void aSubscriberMayClose() throws Exception {
    Blip3oModel model = open();
    Thread thread = eventThread();
    PictureJob job = model.submit(LONG);
    PictureJob other = model.submit(LONG);
    Subscriber closing =
        new Subscriber(
            event -> {
              if (event instanceof PictureEvent.Progressed) {
                model.close();
              }
            });
    job.events().subscribe(closing);
    assertInstanceOf(GenerationCancelledException.class, closing.error());
    assertInstanceOf(GenerationCancelledException.class, PictureJobTest.failure(job));
    assertInstanceOf(GenerationCancelledException.class, PictureJobTest.failure(other));
    assertTrue(!thread.isAlive());
  }

  @Test
  void aDependentStageMayClose() throws Exception {
    Blip3oModel model = open();
    Thread thread = eventThread();
    PictureJob other = model.submit(LONG.toBuilder().priority(-1).build());
    CompletableFuture<Void> closed =
        model.submit(REQUEST).result().thenAccept(image -> model.close());
    other.cancel();
    closed.get(60, TimeUnit.SECONDS);
    assertTrue(!thread.isAlive());
    assertInstanceOf(GenerationCancelledException.class, PictureJobTest.failure(other));
  }

  @Test
  void aListenerThatClosesBetweenPicturesEndsTheCall() {
    Blip3oModel model = open();
    Thread thread = eventThread();
    assertThrows(
        GenerationCancelledException.class,
        () ->
            model.generateAll(
                REQUEST.toBuilder().count(30).build(),
                new ProgressListener() {
                  @Override
                  public void onProgress(Progress progress) {}

                  @Override
                  public void onPicture(int picture, GeneratedImage image) {
                    model.close();
                  }
                }));
    assertTrue(!thread.isAlive());
  }

  @Test
  void anExecutorThatRunsTasksAtOnceMayCloseFromTheEventThread() throws Exception {
    ModelOptions options = ModelOptions.builder().executor(Runnable::run).build();
    Blip3oModel model = Blip3oModel.open(Golden.model("tiny"), options);
    Thread thread = eventThread();
    PictureJob other = model.submit(LONG);
    PictureJob job = model.submit(LONG);
    Subscriber closing =
        new Subscriber(
            event -> {
              if (Thread.currentThread() == thread) { // Not what the subscribing one replays.
                model.close();
              }
            });
    other.events().subscribe(closing);
    assertInstanceOf(GenerationCancelledException.class, PictureJobTest.failure(job));
    assertInstanceOf(GenerationCancelledException.class, PictureJobTest.failure(other));
    assertInstanceOf(GenerationCancelledException.class, closing.error());
    thread.join();
  }

  @Test
  void closingFromManyThreadsAtOnceWaitsForTheSameEnd() throws Exception {
    Blip3oModel model = open();
    Thread thread = eventThread();
    PictureJob job = model.submit(LONG);
    CountDownLatch start = new CountDownLatch(1);
    List<CompletableFuture<Boolean>> closers =
        java.util.stream.IntStream.range(0, 4)
            .mapToObj(
                i -> {
                  CompletableFuture<Boolean> closed = new CompletableFuture<>();
                  new Thread(
                          () -> {
                            try {
                              start.await();
                              model.close();
                              closed.complete(!thread.isAlive());
                            } catch (InterruptedException e) {
                              closed.completeExceptionally(e);
                            }
                          })
                      .start();
                  return closed;
                })
            .toList();
    start.countDown();
    for (CompletableFuture<Boolean> closed : closers) {
      assertTrue(closed.get(60, TimeUnit.SECONDS));
    }
    assertInstanceOf(GenerationCancelledException.class, PictureJobTest.failure(job));
  }

  @Test
  void anInterruptedCloseClosesAndStaysInterrupted() throws Exception {
    Blip3oModel model = open();
    Thread thread = eventThread();
    PictureJob job = model.submit(LONG);
    Thread.currentThread().interrupt();
    model.close();
    assertTrue(Thread.interrupted());
    assertTrue(!thread.isAlive());
    assertInstanceOf(GenerationCancelledException.class, PictureJobTest.failure(job));
  }

  @Test
  void aForgottenModelIsFreed() throws Exception {
    WeakReference<Blip3oModel> forgotten = used();
    Thread thread = eventThread();
    for (int i = 0; i < 500 && thread.isAlive(); i++) {
      System.gc();
      thread.join(20);
    }
    assertNull(forgotten.get());
    assertTrue(!thread.isAlive(), "the event thread of a forgotten model must end");
  }

  private static WeakReference<Blip3oModel> used() throws Exception {
    Blip3oModel model = open();
    PictureJob job = model.submit(REQUEST);
    Subscriber.of(job).events();
    job.result().get();
    assertEquals(64, model.generate(REQUEST).width());
    return new WeakReference<>(model);
  }

  @Test
  void aModelIsNotForgottenWhileItsJobRuns() throws Exception {
    AtomicReference<Optional<Integer>> width = new AtomicReference<>(Optional.empty());
    CountDownLatch done = new CountDownLatch(1);
    submitAndForget(width, done);
    Thread thread = eventThread();
    for (int i = 0; i < 500 && done.getCount() > 0; i++) {
      System.gc();
      done.await(10, TimeUnit.MILLISECONDS);
    }
    assertEquals(Optional.of(64), width.get());
    for (int i = 0; i < 500 && thread.isAlive(); i++) {
      System.gc();
      thread.join(20);
    }
    assertTrue(!thread.isAlive());
  }

  private static void submitAndForget(
      AtomicReference<Optional<Integer>> width, CountDownLatch done) {
    open()
        .submit(REQUEST.toBuilder().steps(300).build())
        .result()
        .thenAccept(image -> width.set(Optional.of(image.width())))
        .whenComplete((nothing, failure) -> done.countDown());
  }
}
