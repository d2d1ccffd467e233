package dev.blip3o.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.EditRequest;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.langchain4j.exception.InvalidRequestException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Options without a model. */
class Blip3oImageOptionsTest {
  private static final InputImage DOT = InputImage.ofGray(1, 1, new byte[1]);

  private static final Blip3oImageOptions ALL =
      Blip3oImageOptions.builder()
          .seed(-7)
          .steps(3)
          .guidance(4.5)
          .temperature(0.5)
          .topK(9)
          .topP(0.25)
          .tokens(List.of(4, 5))
          .strength(0.75)
          .priority(-3)
          .deadline(Duration.ofSeconds(9))
          .build();

  @Test
  void allOfThemReachTheRequest() {
    ImageRequest.Builder generation = ImageRequest.builder("a star");
    ALL.set(generation);
    ImageRequest.Builder expected =
        ImageRequest.builder("a star")
            .seed(-7)
            .steps(3)
            .guidance(4.5)
            .temperature(0.5)
            .topK(9)
            .topP(0.25)
            .tokens(4, 5)
            .priority(-3)
            .deadline(Duration.ofSeconds(9));
    assertEquals(expected.build(), generation.build());

    EditRequest.Builder edit = EditRequest.builder("blue", DOT);
    ALL.set(edit);
    assertEquals(0.75, edit.build().strength().orElseThrow());
    assertEquals(3, edit.build().steps().orElseThrow());
  }

  @Test
  void whatIsNotSetIsLeftToTheRequest() {
    ImageRequest.Builder request = ImageRequest.builder("a star");
    Blip3oImageOptions.builder().build().set(request);
    assertEquals(ImageRequest.of("a star"), request.build());
  }

  @Test
  void oneByOneTheyGoBeforeDefaults() {
    Blip3oImageOptions none = Blip3oImageOptions.builder().build();
    assertEquals(ALL, none.over(ALL));
    assertEquals(ALL, ALL.over(none));
    Blip3oImageOptions other =
        Blip3oImageOptions.builder()
            .seed(1)
            .steps(1)
            .guidance(1)
            .temperature(1)
            .topK(1)
            .topP(1)
            .tokens(List.of(1))
            .strength(1)
            .priority(1)
            .deadline(Duration.ofSeconds(1))
            .build();
    assertEquals(ALL, ALL.over(other));
    assertEquals(
        ALL.toBuilder().steps(1).build(), Blip3oImageOptions.builder().steps(1).build().over(ALL));
  }

  @Test
  void aBuilderGoesOnFromOptions() {
    assertEquals(ALL, ALL.toBuilder().build());
  }

  @Test
  void outOfRangeIsRefusedByName() {
    Map<String, UnaryOperator<Blip3oImageOptions.Builder>> wrong =
        Map.of(
            "steps", options -> options.steps(1001),
            "guidance", options -> options.guidance(0.5),
            "temperature", options -> options.temperature(Double.NaN),
            "topK", options -> options.topK(-1),
            "topP", options -> options.topP(0),
            "strength", options -> options.strength(1.5),
            "priority", options -> options.priority(101),
            "deadline", options -> options.deadline(Duration.ZERO));
    wrong.forEach(
        (name, change) -> {
          Blip3oImageOptions.Builder builder = change.apply(Blip3oImageOptions.builder());
          String message =
              assertThrows(InvalidRequestException.class, builder::build, name).getMessage();
          assertTrue(message.contains(name), message);
        });
  }
}
