package dev.blip3o.spring;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says what to do where no model is named. */
final class ModelNotNamedAnalyzer extends AbstractFailureAnalyzer<ModelNotNamedException> {
  ModelNotNamedAnalyzer() {}

  @Override
  protected FailureAnalysis analyze(Throwable rootFailure, ModelNotNamedException cause) {
    return new FailureAnalysis(
        "blip3o has no model: the property blip3o.model is not set, and there is no bean of type"
            + " dev.blip3o.Blip3oModel.",
        "Set blip3o.model to the directory of a checkpoint, for example"
            + " blip3o.model=/srv/models/blip3o-next; or define a bean of type"
            + " dev.blip3o.Blip3oModel; or do without by blip3o.enabled=false.",
        cause);
  }
}
