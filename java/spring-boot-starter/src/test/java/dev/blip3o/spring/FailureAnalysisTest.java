package dev.blip3o.spring;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oException;
import dev.blip3o.CheckpointException;
import dev.blip3o.InsufficientMemoryException;
import dev.blip3o.InternalErrorException;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.NativeLibraryException;
import dev.blip3o.UnsupportedException;
import dev.blip3o.support.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Configuration;

/** What an application that does not start tells. */
@ExtendWith(OutputCaptureExtension.class)
class FailureAnalysisTest {
  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  static class Application {}

  private static void fails(String... properties) {
    SpringApplicationBuilder application =
        new SpringApplicationBuilder(Application.class)
            .web(WebApplicationType.NONE)
            .properties(properties);
    assertThrows(RuntimeException.class, application::run);
  }

  private static void assertTold(CapturedOutput output, String... sentences) {
    assertTrue(output.getAll().contains("APPLICATION FAILED TO START"), output.getAll());
    for (String sentence : sentences) {
      assertTrue(output.getAll().contains(sentence), () -> sentence + "\nlacks in\n" + output);
    }
  }

  @Test
  void aModelThatIsNotNamed(CapturedOutput output) {
    fails();
    assertTold(
        output,
        "the property blip3o.model is not set",
        "Set blip3o.model to the directory of a checkpoint",
        "blip3o.enabled=false");
  }

  @Test
  void aModelThatIsNotThere(CapturedOutput output, @TempDir Path folder) {
    Path directory = folder.resolve("none");
    fails("blip3o.model=" + directory);
    assertTold(
        output,
        "the model in " + directory + " (blip3o.model) can't be opened: ",
        "Set blip3o.model to the directory of a whole checkpoint");
  }

  @Test
  void aModelThatIsDamaged(CapturedOutput output, @TempDir Path folder) throws IOException {
    Path copy = Repository.copyDemo(folder.resolve("copy"));
    Files.writeString(copy.resolve("config.json"), "{");
    fails("blip3o.model=" + copy);
    assertTold(output, "config.json", "Set blip3o.model to the directory of a whole checkpoint");
  }

  @Test
  void aDeviceThatIsNotThere(CapturedOutput output) {
    fails("blip3o.model=" + Repository.demo(), "blip3o.device=cuda");
    assertTold(output, "can't be opened: ", "Use blip3o.device=auto");
  }

  static Stream<Arguments> reasons() {
    return Stream.of(
        Arguments.of(new CheckpointException("x"), "the directory of a whole checkpoint"),
        Arguments.of(new InvalidRequestException("x"), "Change the blip3o.* property"),
        Arguments.of(new UnsupportedException("x"), "Use blip3o.device=auto"),
        Arguments.of(new InsufficientMemoryException("x"), "Raise blip3o.memory-limit"),
        Arguments.of(new NativeLibraryException("x"), "Put dev.blip3o:blip3o-native"),
        Arguments.of(new InternalErrorException("x"), "Mend what the message says"));
  }

  @ParameterizedTest
  @MethodSource("reasons")
  void everyReasonHasAnAction(Blip3oException reason, String action) {
    var failure = new ModelNotOpenedException(Path.of("m"), reason);
    String told = new ModelNotOpenedAnalyzer().analyze(failure).getAction();
    assertTrue(told.contains(action), told);
  }

  @Test
  void aValueOutOfItsRange(CapturedOutput output) {
    fails("blip3o.model=" + Repository.demo(), "blip3o.image.steps=0");
    assertTold(output, "blip3o.image.steps", "it must be between 1 and 1000");
  }
}
