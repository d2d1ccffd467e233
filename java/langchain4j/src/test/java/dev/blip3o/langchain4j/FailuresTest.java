package dev.blip3o.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.blip3o.Blip3oException;
import dev.blip3o.CheckpointException;
import dev.blip3o.DeadlineExceededException;
import dev.blip3o.DeviceLostException;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.InputImageException;
import dev.blip3o.InsufficientMemoryException;
import dev.blip3o.InternalErrorException;
import dev.blip3o.NativeLibraryException;
import dev.blip3o.NumericException;
import dev.blip3o.OutputException;
import dev.blip3o.QueueFullException;
import dev.blip3o.UnsupportedException;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every exception of the library as the one of LangChain4j that the documentation names. */
class FailuresTest {
  static Stream<Arguments> pairs() {
    return Stream.of(
        Arguments.of(new dev.blip3o.InvalidRequestException("m"), InvalidRequestException.class),
        Arguments.of(new InputImageException("m"), InvalidRequestException.class),
        Arguments.of(new QueueFullException("m", Duration.ofSeconds(1)), RateLimitException.class),
        Arguments.of(new DeadlineExceededException("m"), TimeoutException.class),
        Arguments.of(new UnsupportedException("m"), UnsupportedFeatureException.class),
        Arguments.of(new InsufficientMemoryException("m"), InternalServerException.class),
        Arguments.of(new DeviceLostException("m"), NonRetriableException.class),
        Arguments.of(new GenerationCancelledException("m"), NonRetriableException.class),
        Arguments.of(new NumericException("m"), NonRetriableException.class),
        Arguments.of(new CheckpointException("m"), NonRetriableException.class),
        Arguments.of(new NativeLibraryException("m"), NonRetriableException.class),
        Arguments.of(new OutputException("m"), NonRetriableException.class),
        Arguments.of(new InternalErrorException("m"), NonRetriableException.class));
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void isLangChain4js(Blip3oException cause, Class<?> expected) {
    LangChain4jException failure = Failures.of(cause);
    assertEquals(expected, failure.getClass());
    assertSame(cause, failure.getCause());
    assertEquals("m", failure.getMessage());
  }
}
