package dev.blip3o.spring;

import dev.blip3o.Blip3oModel;
import dev.blip3o.micrometer.Blip3oMetrics;
import io.micrometer.core.instrument.binder.MeterBinder;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;

/** The model's metrics; Actuator binds them to each registry of meters. */
@AutoConfiguration(after = Blip3oAutoConfiguration.class)
@ConditionalOnClass({MeterBinder.class, Blip3oMetrics.class})
@ConditionalOnBean(Blip3oProperties.class)
public class Blip3oMetricsAutoConfiguration {
  /** The model's metrics, which Spring takes out of the registries before the model is closed. */
  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnSingleCandidate(Blip3oModel.class)
  public Blip3oMetrics blip3oMetrics(Blip3oModel model) {
    return new Blip3oMetrics(model);
  }
}
