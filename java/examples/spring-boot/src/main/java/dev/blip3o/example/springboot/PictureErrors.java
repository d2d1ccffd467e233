package dev.blip3o.example.springboot;

import dev.blip3o.DeadlineExceededException;
import dev.blip3o.DeviceLostException;
import dev.blip3o.InputImageException;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.QueueFullException;
import dev.blip3o.UnsupportedException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;

/** The library's exceptions as answers that clients can act on. */
@RestControllerAdvice
class PictureErrors {
  private static final long MILLIS_PER_SECOND = 1000;

  /** The client can mend it; the sentence says how. */
  @ExceptionHandler({
    InvalidRequestException.class,
    InputImageException.class,
    UnsupportedException.class
  })
  ProblemDetail invalid(RuntimeException e) {
    return ProblemDetail.forStatusAndDetail(HttpStatus.BAD_REQUEST, e.getMessage());
  }

  /** Too many wait already. */
  @ExceptionHandler
  ResponseEntity<ProblemDetail> full(QueueFullException e) {
    long seconds = -Math.floorDiv(-e.retryAfter().toMillis(), MILLIS_PER_SECOND);
    return ResponseEntity.status(HttpStatus.TOO_MANY_REQUESTS)
        .header(HttpHeaders.RETRY_AFTER, Long.toString(Math.max(1, seconds)))
        .body(ProblemDetail.forStatusAndDetail(HttpStatus.TOO_MANY_REQUESTS, e.getMessage()));
  }

  /** It took longer than {@code blip3o.image.deadline}, or the process has to be restarted. */
  @ExceptionHandler({DeadlineExceededException.class, DeviceLostException.class})
  ProblemDetail unavailable(RuntimeException e) {
    return ProblemDetail.forStatusAndDetail(HttpStatus.SERVICE_UNAVAILABLE, e.getMessage());
  }
}
