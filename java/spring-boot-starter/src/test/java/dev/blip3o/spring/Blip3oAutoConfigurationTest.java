package dev.blip3o.spring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.blip3o.Blip3oModel;
import dev.blip3o.Compute;
import dev.blip3o.DeadlineExceededException;
import dev.blip3o.ImageRequest;
import dev.blip3o.ModelOptions;
import dev.blip3o.micrometer.Blip3oMetrics;
import dev.blip3o.springai.Blip3oImageModel;
import dev.blip3o.springai.Blip3oImageOptions;
import dev.blip3o.support.Repository;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.ai.image.ImageModel;
import org.springframework.ai.image.ImagePrompt;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;

/** Which beans there are, and when. */
@Timeout(120)
class Blip3oAutoConfigurationTest {
  private static final List<Class<?>> BEANS =
      List.of(
          ModelOptions.class,
          Blip3oModel.class,
          ImageModel.class,
          HealthIndicator.class,
          MeterBinder.class);

  private static void assertBeans(AssertableApplicationContext context, Class<?>... lacking) {
    assertNull(context.getStartupFailure());
    for (Class<?> type : BEANS) {
      int expected = Arrays.asList(lacking).contains(type) ? 0 : 1;
      assertEquals(expected, context.getBeansOfType(type).size(), type.getName());
    }
  }

  @Test
  void aNamedModelIsAllThatIsNeeded() {
    Demo.application()
        .run(
            context -> {
              assertBeans(context);
              assertEquals(
                  Repository.demo(), context.getBean(Blip3oModel.class).info().directory());
            });
  }

  @Test
  void theModelIsOpenedByTheProperties() {
    Demo.application()
        .withPropertyValues("blip3o.threads=1", "blip3o.compute=f32")
        .run(
            context -> {
              assertEquals(1, context.getBean(Blip3oModel.class).info().threads());
              assertEquals(
                  ModelOptions.builder().threads(1).compute(Compute.F32).build(),
                  context.getBean(ModelOptions.class));
            });
  }

  @Test
  void onePropertyTurnsAllOff() {
    Demo.application()
        .withPropertyValues("blip3o.enabled=false")
        .run(
            context -> {
              assertBeans(context, BEANS.toArray(Class<?>[]::new));
              assertEquals(0, context.getBeansOfType(Work.class).size());
              assertEquals(0, context.getBeansOfType(WorkDrain.class).size());
              assertEquals(0, context.getBeansOfType(Blip3oProperties.class).size());
            });
  }

  @Configuration(proxyBeanMethods = false)
  static class OwnOptions {
    static final ModelOptions OPTIONS = ModelOptions.builder().threads(1).queueLimit(3).build();

    @Bean
    ModelOptions own() {
      return OPTIONS;
    }
  }

  @Test
  void optionsOfTheApplicationOpenTheModel() {
    Demo.application()
        .withUserConfiguration(OwnOptions.class)
        .withPropertyValues("blip3o.threads=2")
        .run(
            context -> {
              assertBeans(context);
              assertSame(OwnOptions.OPTIONS, context.getBean(ModelOptions.class));
              assertEquals(1, context.getBean(Blip3oModel.class).info().threads());
            });
  }

  @Test
  void aModelOfTheApplicationNeedsNoProperty() {
    Demo.nameless()
        .withUserConfiguration(Demo.OwnModel.class)
        .run(
            context -> {
              try (Blip3oModel own = context.getBean("own", Blip3oModel.class)) {
                assertBeans(context);
                assertSame(own, context.getBean(Blip3oModel.class));
              }
            });
  }

  @Configuration(proxyBeanMethods = false)
  static class TwoModels {
    @Bean
    @Primary
    Blip3oModel first() {
      return Blip3oModel.open(Repository.demo());
    }

    @Bean
    Blip3oModel second() {
      return Blip3oModel.open(Repository.demo());
    }
  }

  @Test
  void ofSeveralModelsThePrimaryOneIsUsed() {
    Demo.nameless()
        .withUserConfiguration(TwoModels.class)
        .run(
            context -> {
              Blip3oImageOptions options = Blip3oImageOptions.builder().steps(1).build();
              context.getBean(ImageModel.class).call(new ImagePrompt(Demo.PROMPT, options));
              assertEquals(1, context.getBean("first", Blip3oModel.class).metrics().pictures());
              assertEquals(0, context.getBean("second", Blip3oModel.class).metrics().pictures());
            });
  }

  @Configuration(proxyBeanMethods = false)
  static class OwnNeighbours {
    @Bean
    Blip3oImageModel ownImages(Blip3oModel model) {
      return new Blip3oImageModel(model);
    }

    @Bean
    Blip3oHealthIndicator ownHealth(Blip3oModel model) {
      return new Blip3oHealthIndicator(model);
    }

    @Bean
    Blip3oMetrics ownMetrics(Blip3oModel model) {
      return new Blip3oMetrics(model);
    }
  }

  @Test
  void beansOfTheApplicationTakeThePlaceOfOurs() {
    Demo.application()
        .withUserConfiguration(OwnNeighbours.class)
        .run(
            context -> {
              assertBeans(context);
              assertNotNull(context.getBean("ownImages"));
              assertNotNull(context.getBean("ownHealth"));
              assertNotNull(context.getBean("ownMetrics"));
            });
  }

  @Test
  void withoutSpringAiThereIsNoImageModel() {
    Demo.application()
        .withClassLoader(new FilteredClassLoader("org.springframework.ai"))
        .run(context -> assertBeans(context, ImageModel.class));
  }

  @Test
  void anotherProviderOfImageModelsMayBeChosen() {
    Demo.application()
        .withPropertyValues("spring.ai.model.image=openai")
        .run(context -> assertBeans(context, ImageModel.class));
    Demo.application()
        .withPropertyValues("spring.ai.model.image=blip3o")
        .run(Blip3oAutoConfigurationTest::assertBeans);
  }

  @Test
  void withoutMicrometerThereAreNoMetrics() {
    Demo.application()
        .withClassLoader(new FilteredClassLoader(MeterRegistry.class.getPackageName()))
        .run(context -> assertBeans(context, MeterBinder.class));
  }

  @Test
  void withoutActuatorThereIsNoHealth() {
    Demo.application()
        .withClassLoader(new FilteredClassLoader("org.springframework.boot.actuate"))
        .run(context -> assertBeans(context, HealthIndicator.class));
  }

  @Test
  void onePropertyTurnsTheHealthOff() {
    Demo.application()
        .withPropertyValues("management.health.blip3o.enabled=false")
        .run(context -> assertBeans(context, HealthIndicator.class));
  }

  @Test
  void theImagePropertiesAreTheDefaultsOfPrompts() {
    Demo.application()
        .withPropertyValues(
            "blip3o.image.count=2",
            "blip3o.image.seed=7",
            "blip3o.image.steps=2",
            "blip3o.image.guidance-scale=1.5",
            "blip3o.image.temperature=0.5",
            "blip3o.image.top-k=40",
            "blip3o.image.top-p=0.9")
        .run(
            context -> {
              var made = context.getBean(ImageModel.class).call(new ImagePrompt(Demo.PROMPT));
              var expected =
                  context
                      .getBean(Blip3oModel.class)
                      .generateAll(
                          ImageRequest.builder(Demo.PROMPT)
                              .count(2)
                              .seed(7)
                              .steps(2)
                              .guidance(1.5)
                              .temperature(0.5)
                              .topK(40)
                              .topP(0.9)
                              .build());
              assertEquals(2, made.getResults().size());
              for (int i = 0; i < 2; i++) {
                assertArrayEquals(
                    expected.get(i).png(),
                    Base64.getDecoder().decode(made.getResults().get(i).getOutput().getB64Json()));
              }
            });
  }

  @Test
  void aDeadlineOfThePropertiesEndsPrompts() {
    Demo.application()
        .withPropertyValues("blip3o.image.deadline=1ms", "blip3o.image.priority=5")
        .run(
            context -> {
              ImageModel images = context.getBean(ImageModel.class);
              assertThrows(
                  DeadlineExceededException.class, () -> images.call(new ImagePrompt(Demo.PROMPT)));
            });
  }
}
