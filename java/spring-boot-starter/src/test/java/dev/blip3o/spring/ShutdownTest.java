package dev.blip3o.spring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.ImageRequest;
import dev.blip3o.PictureJob;
import dev.blip3o.springai.Blip3oImageModel;
import dev.blip3o.springai.Blip3oImageOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.ai.image.ImagePrompt;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Pictures under way are finished before their model is closed. */
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
class ShutdownTest {
  private static final ImageRequest FOUR =
      ImageRequest.builder(Demo.PROMPT).seed(7).count(4).steps(10).build();
  private static final ImagePrompt SHORT =
      new ImagePrompt(Demo.PROMPT, Blip3oImageOptions.builder().steps(1).build());

  @Test
  void theEndWaitsForPicturesAndThenClosesTheModel(CapturedOutput output) {
    Demo.application()
        .run(
            context -> {
              Blip3oModel model = context.getBean(Blip3oModel.class);
              List<PictureJob> jobs = model.submitAll(FOUR);
              context.close();
              assertThrows(IllegalStateException.class, model::metrics);
              for (PictureJob job : jobs) {
                assertEquals(128, job.result().join().width());
              }
            });
    assertFalse(output.getAll().contains("not finished"), output.getAll());
  }

  @Test
  void theEndWaitsForCallsOfTheImageModelAndRefusesFurtherOnes() {
    Demo.application()
        .run(
            context -> {
              Blip3oModel model = context.getBean(Blip3oModel.class);
              Blip3oImageModel images = context.getBean(Blip3oImageModel.class);
              // More than the library has on their way at once: the rest is submitted meanwhile.
              var many = Blip3oImageOptions.builder().steps(1).count(12).build();
              var answer =
                  CompletableFuture.supplyAsync(
                      () -> images.call(new ImagePrompt(Demo.PROMPT, many)));
              while (model.metrics().submitted() == 0) {
                Thread.onSpinWait();
              }
              context.close();
              assertEquals(12, answer.join().getResults().size());
              String message =
                  assertThrows(IllegalStateException.class, () -> images.call(SHORT)).getMessage();
              assertTrue(message.contains("shut down"), message);
            });
  }

  @Test
  void whatTakesTooLongIsCancelled(CapturedOutput output) {
    Demo.application()
        .withPropertyValues("blip3o.shutdown-timeout=0s")
        .run(
            context -> {
              List<PictureJob> jobs = context.getBean(Blip3oModel.class).submitAll(FOUR);
              context.close();
              var failure =
                  assertThrows(CompletionException.class, () -> jobs.get(3).result().join());
              assertInstanceOf(GenerationCancelledException.class, failure.getCause());
            });
    assertTrue(output.getAll().contains("pictures are not finished after PT0S"), output.getAll());
  }

  @Test
  void aModelOfTheApplicationIsWaitedForAndLeftOpen() {
    Demo.nameless()
        .withUserConfiguration(Demo.OwnModel.class)
        .run(
            context -> {
              try (Blip3oModel own = context.getBean(Blip3oModel.class)) {
                own.submitAll(FOUR);
                context.close();
                assertEquals(4, own.metrics().done());
              }
            });
  }

  @Test
  void aModelThatTheApplicationClosedIsNotWaitedFor() {
    Demo.application()
        .run(
            context -> {
              context.getBean(Blip3oModel.class).close();
              context.close();
              assertFalse(context.isActive());
            });
  }

  @Test
  void anApplicationThatIsStartedAgainDraws() {
    Demo.application()
        .run(
            context -> {
              Blip3oImageModel images = context.getBean(Blip3oImageModel.class);
              context.getSourceApplicationContext().stop();
              assertThrows(IllegalStateException.class, () -> images.call(SHORT));
              context.getSourceApplicationContext().start();
              assertEquals(1, images.call(SHORT).getResults().size());
            });
  }

  @Test
  void allWorkSharesOneTime() {
    List<Duration> given = new ArrayList<>();
    Work slow =
        new Work() {
          @Override
          public boolean drain(Duration timeout) {
            given.add(timeout);
            TimeLimit limit = new TimeLimit(timeout);
            while (!limit.left().isZero()) {
              Thread.onSpinWait();
            }
            return false;
          }

          @Override
          public void resume() {}
        };
    WorkDrain drain = new WorkDrain(List.of(slow, slow), Duration.ofMillis(5));
    drain.start();
    assertTrue(drain.isRunning());
    drain.stop();
    assertFalse(drain.isRunning());
    assertEquals(Duration.ZERO, given.get(1));
  }
}
