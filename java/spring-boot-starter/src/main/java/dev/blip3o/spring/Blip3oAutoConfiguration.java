package dev.blip3o.spring;

import dev.blip3o.Blip3oException;
import dev.blip3o.Blip3oModel;
import dev.blip3o.ModelOptions;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/**
 * Opens the model of {@code blip3o.model}, and closes it when the application ends and the pictures
 * under way are finished. A bean of type {@link ModelOptions} or {@link Blip3oModel} takes the
 * place of the one that is made here; a model of the application's own is waited for too, and
 * closed by whoever made it.
 */
@AutoConfiguration
@ConditionalOnProperty(
    prefix = "blip3o",
    name = "enabled",
    havingValue = "true",
    matchIfMissing = true)
@EnableConfigurationProperties(Blip3oProperties.class)
public class Blip3oAutoConfiguration {
  /** How the model is opened. */
  @Bean
  @ConditionalOnMissingBean
  public ModelOptions blip3oModelOptions(Blip3oProperties properties) {
    return properties.modelOptions();
  }

  /** The model; Spring closes it, since it is {@link AutoCloseable}. */
  @Bean
  @ConditionalOnMissingBean
  public Blip3oModel blip3oModel(Blip3oProperties properties, ModelOptions options) {
    if (properties.model() == null) {
      throw new ModelNotNamedException();
    }
    try {
      return Blip3oModel.open(properties.model(), options);
    } catch (Blip3oException e) {
      throw new ModelNotOpenedException(properties.model(), e);
    }
  }

  /** What the models work on. */
  @Bean
  Work blip3oModelWork(ObjectProvider<Blip3oModel> models) {
    return new ModelWork(models.stream().toList());
  }

  /** Lets pictures end before the models are closed. */
  @Bean
  WorkDrain blip3oWorkDrain(Blip3oProperties properties, ObjectProvider<Work> work) {
    return new WorkDrain(work.orderedStream().toList(), properties.shutdownTimeout());
  }
}
