package dev.blip3o.spring;

import dev.blip3o.Blip3oModel;
import dev.blip3o.support.Repository;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Applications with the demo checkpoint. */
final class Demo {
  static final String PROMPT = "a red circle";

  private Demo() {}

  /** An application that names no model. */
  static ApplicationContextRunner nameless() {
    return new ApplicationContextRunner()
        .withConfiguration(
            AutoConfigurations.of(
                Blip3oAutoConfiguration.class,
                Blip3oHealthAutoConfiguration.class,
                Blip3oImageModelAutoConfiguration.class,
                Blip3oMetricsAutoConfiguration.class));
  }

  /** An application that names the demo checkpoint. */
  static ApplicationContextRunner application() {
    return nameless().withPropertyValues("blip3o.model=" + Repository.demo());
  }

  /** A model that the application opens itself, and that Spring does not close. */
  @Configuration(proxyBeanMethods = false)
  static class OwnModel {
    @Bean(destroyMethod = "")
    Blip3oModel own() {
      return Blip3oModel.open(Repository.demo());
    }
  }
}
