package dev.blip3o.spring;

import dev.blip3o.Blip3oException;
import dev.blip3o.CheckpointException;
import dev.blip3o.InsufficientMemoryException;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.NativeLibraryException;
import dev.blip3o.UnsupportedException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says what to do where a model can't be opened. */
final class ModelNotOpenedAnalyzer extends AbstractFailureAnalyzer<ModelNotOpenedException> {
  ModelNotOpenedAnalyzer() {}

  @Override
  protected FailureAnalysis analyze(Throwable rootFailure, ModelNotOpenedException cause) {
    return new FailureAnalysis(cause.getMessage(), action(cause.reason()), cause);
  }

  private static String action(Blip3oException reason) {
    if (reason instanceof CheckpointException) {
      return "Set blip3o.model to the directory of a whole checkpoint, in the layout of"
          + " save_pretrained, which this process may read. A relative directory begins at the"
          + " working directory.";
    }
    if (reason instanceof InvalidRequestException) {
      return "Change the blip3o.* property of the option that the message names.";
    }
    if (reason instanceof UnsupportedException) {
      return "Use blip3o.device=auto, which takes what this machine has; or give it what the"
          + " message says that it lacks.";
    }
    if (reason instanceof InsufficientMemoryException) {
      return "Raise blip3o.memory-limit, or run the application with more memory.";
    }
    if (reason instanceof NativeLibraryException) {
      return "Put dev.blip3o:blip3o-native with the classifier of this platform, for example"
          + " linux-x86_64, on the class path.";
    }
    return "Mend what the message says; the causes below it tell more.";
  }
}
