package dev.blip3o.example.springboot;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.blip3o.DeviceLostException;
import dev.blip3o.QueueFullException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.HttpHeaders;

/** What a test over HTTP can't bring about in a short time. */
class PictureErrorsTest {
  private final PictureErrors errors = new PictureErrors();

  @ParameterizedTest
  @CsvSource({"0, 1", "1, 1", "1000, 1", "1001, 2", "2500, 3"})
  void aFullQueueSaysInWholeSecondsWhenToTryAgain(long millis, String seconds) {
    var answer = errors.full(new QueueFullException("full", Duration.ofMillis(millis)));
    assertEquals(429, answer.getStatusCode().value());
    assertEquals(seconds, answer.getHeaders().getFirst(HttpHeaders.RETRY_AFTER));
    assertEquals("full", answer.getBody().getDetail());
  }

  @Test
  void aLostDeviceIsUnavailable() {
    var problem = errors.unavailable(new DeviceLostException("lost"));
    assertEquals(503, problem.getStatus());
    assertEquals("lost", problem.getDetail());
  }
}
