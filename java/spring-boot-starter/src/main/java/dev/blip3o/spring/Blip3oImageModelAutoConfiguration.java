package dev.blip3o.spring;

import dev.blip3o.Blip3oModel;
import dev.blip3o.springai.Blip3oImageModel;
import dev.blip3o.springai.Blip3oImageOptions;
import java.util.function.Consumer;
import org.springframework.ai.image.ImageModel;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;

/**
 * Makes the model Spring AI's {@link ImageModel}, with {@code blip3o.image.*} as its default
 * options. Where several providers of image models are on the class path, {@code
 * spring.ai.model.image=blip3o} chooses this one.
 */
@AutoConfiguration(after = Blip3oAutoConfiguration.class)
@ConditionalOnClass({ImageModel.class, Blip3oImageModel.class})
@ConditionalOnBean(Blip3oProperties.class)
public class Blip3oImageModelAutoConfiguration {
  /** The model as Spring AI knows it. */
  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnSingleCandidate(Blip3oModel.class)
  @ConditionalOnProperty(
      name = "spring.ai.model.image",
      havingValue = "blip3o",
      matchIfMissing = true)
  public Blip3oImageModel blip3oImageModel(Blip3oModel model, Blip3oProperties properties) {
    return new Blip3oImageModel(model, options(properties.image()));
  }

  /** What the image models work on. */
  @Bean
  Work blip3oImageModelWork(ObjectProvider<Blip3oImageModel> images) {
    return new ImageModelWork(images.stream().toList());
  }

  private static Blip3oImageOptions options(ImageProperties image) {
    Blip3oImageOptions.Builder options = Blip3oImageOptions.builder();
    ifSet(image.count(), options::count);
    ifSet(image.seed(), options::seed);
    ifSet(image.steps(), options::steps);
    ifSet(image.guidanceScale(), options::guidance);
    ifSet(image.temperature(), options::temperature);
    ifSet(image.topK(), options::topK);
    ifSet(image.topP(), options::topP);
    ifSet(image.priority(), options::priority);
    ifSet(image.deadline(), options::deadline);
    return options.build();
  }

  private static <T> void ifSet(T value, Consumer<T> use) {
    if (value != null) {
      use.accept(value);
    }
  }
}
