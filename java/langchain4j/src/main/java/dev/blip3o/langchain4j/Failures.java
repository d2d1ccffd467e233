package dev.blip3o.langchain4j;

import dev.blip3o.Blip3oException;
import dev.blip3o.DeadlineExceededException;
import dev.blip3o.InputImageException;
import dev.blip3o.InsufficientMemoryException;
import dev.blip3o.QueueFullException;
import dev.blip3o.UnsupportedException;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import java.util.function.Supplier;

/** The library's exceptions as those that LangChain4j's callers catch. */
final class Failures {
  private Failures() {}

  /** Does the work; what the library throws meanwhile comes as LangChain4j's. */
  static <T> T translated(Supplier<T> work) {
    try {
      return work.get();
    } catch (Blip3oException e) {
      throw of(e);
    }
  }

  /** LangChain4j tells apart what may go well another time; its own retries go by that. */
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
      return unsupported(e);
    }
    if (e instanceof InsufficientMemoryException) {
      return new InternalServerException(e.getMessage(), e);
    }
    return new NonRetriableException(e.getMessage(), e);
  }

  /** This one alone has no constructor that takes a cause. */
  private static LangChain4jException unsupported(Blip3oException e) {
    UnsupportedFeatureException unsupported = new UnsupportedFeatureException(e.getMessage());
    unsupported.initCause(e);
    return unsupported;
  }
}
