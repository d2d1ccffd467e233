package dev.blip3o.spring;

import dev.blip3o.Blip3oModel;
import org.springframework.boot.actuate.autoconfigure.health.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;

/**
 * The model's health as Actuator's component {@code blip3o}; {@code
 * management.health.blip3o.enabled=false} leaves it out.
 */
@AutoConfiguration(after = Blip3oAutoConfiguration.class)
@ConditionalOnClass({HealthIndicator.class, ConditionalOnEnabledHealthIndicator.class})
@ConditionalOnBean(Blip3oProperties.class)
public class Blip3oHealthAutoConfiguration {
  /** The model's health. */
  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnSingleCandidate(Blip3oModel.class)
  @ConditionalOnEnabledHealthIndicator("blip3o")
  public Blip3oHealthIndicator blip3oHealthIndicator(Blip3oModel model) {
    return new Blip3oHealthIndicator(model);
  }
}
