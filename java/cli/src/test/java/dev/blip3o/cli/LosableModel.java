package dev.blip3o.cli;

import dev.blip3o.Blip3oModel;
import dev.blip3o.Capabilities;
import dev.blip3o.DeviceLostException;
import dev.blip3o.ModelInfo;
import dev.blip3o.ModelMetrics;
import dev.blip3o.PictureJob;
import dev.blip3o.PictureRequest;
import dev.blip3o.micrometer.Blip3oMetrics;
import dev.blip3o.server.model.ServedModel;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;

/** A real model whose device the test can lose: it then reports what the engine reports. */
final class LosableModel implements ServedModel {
  private final ServedModel model;
  private final List<PictureJob> jobs = new ArrayList<>();
  private boolean lost;

  LosableModel(Blip3oModel model) {
    this.model = ServedModel.of(model);
  }

  /** From now on the model is not healthy. */
  synchronized void lose() {
    lost = true;
  }

  /** Ends all that was submitted as a lost device does. */
  synchronized void failJobs() {
    jobs.forEach(job -> job.result().completeExceptionally(deviceLost()));
  }

  private static DeviceLostException deviceLost() {
    return new DeviceLostException("the device was lost: /dev/nvidia0");
  }

  @Override
  public synchronized ModelMetrics metrics() {
    return lost ? unhealthy(model.metrics()) : model.metrics();
  }

  private static ModelMetrics unhealthy(ModelMetrics metrics) {
    try {
      List<Object> values = new ArrayList<>();
      List<Class<?>> types = new ArrayList<>();
      for (RecordComponent component : ModelMetrics.class.getRecordComponents()) {
        types.add(component.getType());
        values.add(
            component.getName().equals("healthy")
                ? false
                : component.getAccessor().invoke(metrics));
      }
      return ModelMetrics.class
          .getConstructor(types.toArray(Class<?>[]::new))
          .newInstance(values.toArray());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public synchronized List<PictureJob> submitAll(PictureRequest request) {
    if (lost) {
      throw deviceLost();
    }
    List<PictureJob> submitted = model.submitAll(request);
    jobs.addAll(submitted);
    return submitted;
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
  public Blip3oMetrics meters() {
    return model.meters();
  }

  @Override
  public int promptTokens(String prompt) {
    return model.promptTokens(prompt);
  }

  @Override
  public int editPromptTokens(String prompt, int references) {
    return model.editPromptTokens(prompt, references);
  }

  @Override
  public void close() {
    model.close();
  }
}
