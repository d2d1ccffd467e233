package dev.blip3o.server.model;

import dev.blip3o.Blip3oModel;
import dev.blip3o.Capabilities;
import dev.blip3o.ModelInfo;
import dev.blip3o.ModelMetrics;
import dev.blip3o.PictureJob;
import dev.blip3o.PictureRequest;
import dev.blip3o.micrometer.Blip3oMetrics;
import java.util.Collections;
import java.util.List;
import java.util.Objects;

/**
 * The library's model.
 *
 * @param model open
 */
record OpenModel(Blip3oModel model) implements ServedModel {
  OpenModel {
    Objects.requireNonNull(model, "model");
  }

  @Override
  public ModelInfo info() {
    return model.info();
  }

  @Override
  public Capabilities capabilities() {
    return model.capabilities();
  }

  @Override
  public ModelMetrics metrics() {
    return model.metrics();
  }

  @Override
  public Blip3oMetrics meters() {
    return new Blip3oMetrics(model);
  }

  @Override
  public int promptTokens(String prompt) {
    return model.stages().prompt(prompt).length();
  }

  @Override
  public int editPromptTokens(String prompt, int references) {
    int each = model.info().imageTokens();
    // How long the prompt is does not depend on which tokens the pictures have.
    List<int[]> tokens = Collections.nCopies(references, new int[each]);
    return model.stages().editPrompt(prompt, tokens).length() - references * each;
  }

  @Override
  public List<PictureJob> submitAll(PictureRequest request) {
    return model.submitAll(request);
  }

  @Override
  public void close() {
    model.close();
  }
}
