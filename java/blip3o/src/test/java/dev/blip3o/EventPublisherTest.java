package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.reactivestreams.tck.TestEnvironment;
import org.reactivestreams.tck.flow.FlowPublisherVerification;
import org.testng.SkipException;

/** The publisher before the compatibility tests of Reactive Streams. */
class EventPublisherTest {
  private static final int MAX_ELEMENTS = 10_000;
  private static final Executor EXECUTOR = new Callbacks(ForkJoinPool.commonPool());

  /** What the compatibility tests are given. */
  private static final class Verification extends FlowPublisherVerification<PictureEvent> {
    Verification() {
      super(new TestEnvironment(500, 100));
    }

    @Override
    public long maxElementsFromPublisher() {
      return MAX_ELEMENTS;
    }

    @Override
    public Flow.Publisher<PictureEvent> createFlowPublisher(long elements) {
      EventLog log = new EventLog();
      Thread job =
          new Thread(
              () -> {
                for (int i = 0; i < elements; i++) {
                  log.add(new PictureEvent.Queued(i));
                }
                log.end(Optional.empty());
              });
      job.setDaemon(true);
      job.start();
      return new EventPublisher(log, EXECUTOR);
    }

    @Override
    public Flow.Publisher<PictureEvent> createFailedFlowPublisher() {
      EventLog log = new EventLog();
      log.end(Optional.of(new GenerationCancelledException("cancelled before it was subscribed")));
      return new EventPublisher(log, EXECUTOR);
    }
  }

  @TestFactory
  Stream<DynamicTest> itFollowsTheRules() {
    return Arrays.stream(FlowPublisherVerification.class.getMethods())
        .filter(method -> method.isAnnotationPresent(org.testng.annotations.Test.class))
        .filter(method -> !method.getName().startsWith("untested_"))
        .map(method -> DynamicTest.dynamicTest(method.getName(), () -> verify(method)));
  }

  private static void verify(Method rule) throws Throwable {
    Verification verification = new Verification();
    verification.setUp();
    try {
      rule.invoke(verification);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof SkipException skip) {
        Assumptions.abort(skip.getMessage());
      }
      throw e.getCause();
    }
  }

  @Test
  void nullIsNoSubscriber() {
    EventPublisher publisher = new EventPublisher(new EventLog(), EXECUTOR);
    assertThrows(NullPointerException.class, () -> publisher.subscribe(null));
  }
}
