package dev.blip3o.spring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Compute;
import dev.blip3o.Device;
import dev.blip3o.ModelOptions;
import dev.blip3o.Quantization;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Configuration;

/** Properties become options; what is wrong is named. */
class Blip3oPropertiesTest {
  @Configuration(proxyBeanMethods = false)
  @EnableConfigurationProperties(Blip3oProperties.class)
  static class Properties {}

  private static final ApplicationContextRunner RUNNER =
      new ApplicationContextRunner().withUserConfiguration(Properties.class);

  @Test
  void everyModelOptionHasAProperty() {
    RUNNER
        .withPropertyValues(
            "blip3o.model=/models/next",
            "blip3o.diffusion-directory=/models/sana",
            "blip3o.device=cpu",
            "blip3o.compute=bf16",
            "blip3o.quantization=int8-language,e4m3-diffusion",
            "blip3o.threads=3",
            "blip3o.memory-limit=2GB",
            "blip3o.queue-limit=7",
            "blip3o.latency-target=150ms",
            "blip3o.shutdown-timeout=2m")
        .run(
            context -> {
              Blip3oProperties properties = context.getBean(Blip3oProperties.class);
              assertEquals(Path.of("/models/next"), properties.model());
              assertEquals(Duration.ofMinutes(2), properties.shutdownTimeout());
              assertEquals(
                  ModelOptions.builder()
                      .diffusionDirectory(Path.of("/models/sana"))
                      .device(Device.CPU)
                      .compute(Compute.BF16)
                      .quantization(Quantization.INT8_LANGUAGE, Quantization.E4M3_DIFFUSION)
                      .threads(3)
                      .memoryLimitBytes(2L << 30)
                      .queueLimit(7)
                      .latencyTarget(Duration.ofMillis(150))
                      .build(),
                  properties.modelOptions());
            });
  }

  @Test
  void everySettingOfPicturesHasAProperty() {
    RUNNER
        .withPropertyValues(
            "blip3o.image.count=2",
            "blip3o.image.seed=-7",
            "blip3o.image.steps=3",
            "blip3o.image.guidance-scale=1.5",
            "blip3o.image.temperature=0.25",
            "blip3o.image.top-k=9",
            "blip3o.image.top-p=0.75",
            "blip3o.image.priority=-3",
            "blip3o.image.deadline=90s")
        .run(
            context ->
                assertEquals(
                    new ImageProperties(2, -7L, 3, 1.5, 0.25, 9, 0.75, -3, Duration.ofSeconds(90)),
                    context.getBean(Blip3oProperties.class).image()));
  }

  @Test
  void nothingSetIsTheLibrarysDefault() {
    RUNNER.run(
        context -> {
          Blip3oProperties properties = context.getBean(Blip3oProperties.class);
          assertTrue(properties.enabled());
          assertNull(properties.model());
          assertEquals(Set.of(), properties.quantization());
          assertEquals(ModelOptions.defaults(), properties.modelOptions());
          assertEquals(Duration.ofSeconds(30), properties.shutdownTimeout());
          assertEquals(
              new ImageProperties(null, null, null, null, null, null, null, null, null),
              properties.image());
        });
  }

  @ParameterizedTest
  @CsvSource({
    "blip3o.threads, 1025",
    "blip3o.threads, -1",
    "blip3o.memory-limit, -1MB",
    "blip3o.queue-limit, 1048577",
    "blip3o.latency-target, 61m",
    "blip3o.shutdown-timeout, -1s",
    "blip3o.image.count, 0",
    "blip3o.image.steps, 1001",
    "blip3o.image.guidance-scale, 0.5",
    "blip3o.image.guidance-scale, NaN",
    "blip3o.image.temperature, -0.5",
    "blip3o.image.top-k, -1",
    "blip3o.image.top-p, 0",
    "blip3o.image.top-p, 1.5",
    "blip3o.image.priority, 101",
    "blip3o.image.deadline, 0s",
    "blip3o.image.deadline, 366d"
  })
  void aValueOutOfItsRangeIsAnErrorThatNamesTheProperty(String property, String value) {
    RUNNER
        .withPropertyValues(property + "=" + value)
        .run(
            context -> {
              var invalid =
                  assertInstanceOf(
                      InvalidConfigurationPropertyValueException.class,
                      root(context.getStartupFailure()));
              assertEquals(property, invalid.getName());
              assertTrue(invalid.getReason().startsWith("it must be "), invalid.getReason());
            });
  }

  @ParameterizedTest
  @CsvSource({"device, gpu", "compute, f64", "quantization, int4"})
  void anUnknownNameIsAnErrorThatNamesTheProperty(String property, String value) {
    RUNNER
        .withPropertyValues("blip3o." + property + "=" + value)
        .run(
            context -> {
              StringBuilder messages = new StringBuilder();
              for (Throwable e = context.getStartupFailure(); e != null; e = e.getCause()) {
                messages.append(e.getMessage()).append('\n');
              }
              assertTrue(messages.toString().contains("blip3o." + property), messages::toString);
            });
  }

  private static Throwable root(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }
}
