package dev.blip3o.langchain4j;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CheckpointException;
import dev.blip3o.DeadlineExceededException;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImageException;
import dev.blip3o.InsufficientMemoryException;
import dev.blip3o.ModelOptions;
import dev.blip3o.QueueFullException;
import dev.blip3o.support.Repository;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a call can't do, as the caller meets it. */
@Timeout(120)
class RefusalsTest {
  private static final String PROMPT = "a red circle";

  private static Blip3oImageModel images;

  @BeforeAll
  static void open() {
    images = Blip3oImageModel.builder(Repository.demo()).build();
  }

  @AfterAll
  static void close() {
    images.close();
  }

  private static Image picture() {
    return Pictures.of(new byte[] {'t', 'e', 'x', 't'});
  }

  @Test
  void callsThatCannotBe() {
    assertThrows(InvalidRequestException.class, () -> images.generate(PROMPT, 0));
    assertThrows(InvalidRequestException.class, () -> images.generate(" "));
    assertThrows(InvalidRequestException.class, () -> images.generate("word ".repeat(40_000)));
    Blip3oImageOptions none = Blip3oImageOptions.builder().build();
    assertThrows(InvalidRequestException.class, () -> images.edit(List.of(), "blue", none));
  }

  @Test
  void picturesThatCannotBe() {
    InvalidRequestException refusal =
        assertThrows(InvalidRequestException.class, () -> images.edit(picture(), "blue"));
    assertInstanceOf(InputImageException.class, refusal.getCause());
    Image small = Pictures.maskOpaqueFrom(0, 8);
    Image large = Pictures.maskOpaqueFrom(0, 16);
    String message =
        assertThrows(InvalidRequestException.class, () -> images.edit(large, small, "blue"))
            .getMessage();
    assertTrue(message.contains("16x16") && message.contains("8x8"), message);
  }

  @Test
  void aPassedDeadline() {
    Blip3oImageOptions soon = Blip3oImageOptions.builder().deadline(Duration.ofNanos(1)).build();
    TimeoutException failure =
        assertThrows(TimeoutException.class, () -> images.generate(PROMPT, 100, soon));
    assertInstanceOf(DeadlineExceededException.class, failure.getCause());
  }

  @Test
  void anInterrupt() {
    Thread.currentThread().interrupt();
    NonRetriableException failure =
        assertThrows(NonRetriableException.class, () -> images.generate(PROMPT));
    assertTrue(Thread.interrupted(), "the flag stays set");
    assertInstanceOf(GenerationCancelledException.class, failure.getCause());
  }

  @Test
  void aFullQueue() {
    try (Blip3oModel model =
        Blip3oModel.open(Repository.demo(), ModelOptions.builder().queueLimit(1).build())) {
      ImageRequest slow = ImageRequest.builder(PROMPT).steps(1000).build();
      assertThrows(
          QueueFullException.class,
          () -> {
            while (true) {
              model.submit(slow);
            }
          });
      Blip3oImageModel busy = Blip3oImageModel.builder(model).build();
      RateLimitException failure =
          assertThrows(RateLimitException.class, () -> busy.generate(PROMPT));
      QueueFullException cause = assertInstanceOf(QueueFullException.class, failure.getCause());
      assertTrue(cause.retryAfter().compareTo(Duration.ZERO) > 0);
    }
  }

  @Test
  void whatTheCheckpointLacks() {
    try (Blip3oImageModel textOnly =
        Blip3oImageModel.builder(Repository.golden().resolve("reference/tied/model")).build()) {
      assertThrows(
          UnsupportedFeatureException.class,
          () -> textOnly.edit(Pictures.maskOpaqueFrom(0, 8), "blue"));
    }
  }

  @Test
  void noCheckpoint() {
    NonRetriableException failure =
        assertThrows(
            NonRetriableException.class,
            () -> Blip3oImageModel.builder(Repository.golden()).build());
    assertInstanceOf(CheckpointException.class, failure.getCause());
  }

  @Test
  void optionsOfTheModelHold() {
    ModelOptions tiny = ModelOptions.builder().memoryLimitBytes(1).build();
    InternalServerException failure =
        assertThrows(
            InternalServerException.class,
            () -> {
              try (Blip3oImageModel none =
                  Blip3oImageModel.builder(Repository.demo(), tiny).build()) {
                none.generate(PROMPT);
              }
            });
    assertInstanceOf(InsufficientMemoryException.class, failure.getCause());
  }
}
