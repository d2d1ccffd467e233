package dev.blip3o.spring;

import dev.blip3o.springai.Blip3oImageModel;
import java.time.Duration;
import java.util.List;
import org.springframework.core.Ordered;

/**
 * Calls of Spring AI's image models. They end before the work of the models: a call for many
 * pictures submits them one after the other, so that its model may be idle in between.
 */
final class ImageModelWork implements Work, Ordered {
  private final List<Blip3oImageModel> images;

  ImageModelWork(List<Blip3oImageModel> images) {
    this.images = images;
  }

  @Override
  public boolean drain(Duration timeout) {
    TimeLimit limit = new TimeLimit(timeout);
    boolean ended = true;
    for (Blip3oImageModel each : images) {
      ended &= each.drain(limit.left());
    }
    return ended;
  }

  @Override
  public void resume() {
    images.forEach(Blip3oImageModel::resume);
  }

  @Override
  public int getOrder() {
    return Ordered.HIGHEST_PRECEDENCE;
  }
}
