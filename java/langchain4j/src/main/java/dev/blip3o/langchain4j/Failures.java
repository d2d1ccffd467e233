package dev.blip3o.langchain4j;

import dev.blip3o.Blip3oException;
import dev.blip3o.DeadlineExceededException;
import dev.blip3o.InputImageException;
import dev.blip3o.QueueFullException;
import dev.blip3o.UnsupportedException;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.exception.UnsupportedFeatureException;

/** The library's exceptions as those that LangChain4j's callers catch. */
final class Failures {
  private Failures() {}

  static LangChain4jException of(Blip3oException e) {
    if (e instanceof dev.blip3o.InvalidRequestException || e instanceof InputImageException) {
      return new InvalidRequestException(e.getMessage(), e);
    }
    if (e instanceof QueueFullException) {
      return new RateLimitException(e.getMessage(), e);
    }
    if (e instanceof DeadlineExceededException) {
      return new TimeoutException(e.getMessage(), e);
    }
    if (e instanceof UnsupportedException) {
      // This one alone has no constructor that takes a cause.
      var unsupported = new UnsupportedFeatureException(e.getMessage());
      unsupported.initCause(e);
      return unsupported;
    }
    return new InternalServerException(e.getMessage(), e);
  }
}
