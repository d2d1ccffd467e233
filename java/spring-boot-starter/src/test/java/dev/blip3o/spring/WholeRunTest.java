package dev.blip3o.spring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.blip3o.Blip3oModel;
import dev.blip3o.ImageRequest;
import dev.blip3o.springai.Blip3oImageOptions;
import dev.blip3o.support.Repository;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.ai.image.ImageModel;
import org.springframework.ai.image.ImagePrompt;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthEndpoint;
import org.springframework.boot.actuate.health.Status;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;

/** An application that finds everything on its class path. */
@Timeout(120)
class WholeRunTest {
  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  static class Application {}

  @Test
  void anApplicationDrawsAndTellsHowItIs() {
    Blip3oModel model;
    MeterRegistry registry;
    try (ConfigurableApplicationContext context =
        new SpringApplicationBuilder(Application.class)
            .web(WebApplicationType.NONE)
            .properties(
                "blip3o.model=" + Repository.demo(),
                "management.endpoint.health.show-details=always")
            .run()) {
      model = context.getBean(Blip3oModel.class);
      registry = context.getBean(MeterRegistry.class);
      byte[] expected =
          model.generate(ImageRequest.builder(Demo.PROMPT).seed(7).steps(3).build()).png();
      var options = Blip3oImageOptions.builder().seed(7).steps(3).build();
      var answer = context.getBean(ImageModel.class).call(new ImagePrompt(Demo.PROMPT, options));
      assertArrayEquals(
          expected, Base64.getDecoder().decode(answer.getResult().getOutput().getB64Json()));
      assertEquals(2, registry.get("blip3o.pictures").functionCounter().count());
      Health health = (Health) context.getBean(HealthEndpoint.class).healthForPath("blip3o");
      assertEquals(Status.UP, health.getStatus());
      assertEquals(Map.of("device", "cpu", "queued", 0, "running", 0), health.getDetails());
      assertFalse(registry.find("blip3o.healthy").meters().isEmpty());
    }
    assertThrows(IllegalStateException.class, model::metrics);
    assertEquals(0, registry.find("blip3o.healthy").meters().size());
  }
}
