package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageRequestTest {
  @Test
  void aPromptIsEnough() {
    ImageRequest request = ImageRequest.of("a red circle");
    assertEquals("a red circle", request.prompt());
    assertEquals(1, request.count());
    assertTrue(request.seed().isEmpty());
    assertTrue(request.steps().isEmpty());
    assertTrue(request.guidance().isEmpty());
    assertTrue(request.temperature().isEmpty());
    assertTrue(request.topK().isEmpty());
    assertTrue(request.topP().isEmpty());
  }

  @Test
  void theBuilderKeepsEverything() {
    ImageRequest request =
        ImageRequest.builder("a red circle")
            .seed(-1)
            .count(3)
            .steps(1000)
            .guidance(1)
            .temperature(0)
            .topK(0)
            .topP(1)
            .build();
    assertEquals(-1, request.seed().getAsLong());
    assertEquals(3, request.count());
    assertEquals(1000, request.steps().getAsInt());
    assertEquals(1, request.guidance().getAsDouble());
    assertEquals(0, request.temperature().getAsDouble());
    assertEquals(0, request.topK().getAsInt());
    assertEquals(1, request.topP().getAsDouble());
    assertEquals(request, request.toBuilder().build());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "\n\t "})
  void anEmptyPromptIsRefused(String prompt) {
    assertMessage("the prompt is empty", prompt, builder -> builder);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\uD83C", "\uDF4E apple", "\uD83C apple", "\uD83C\uD83C\uDF4E"})
  void halfACharacterIsRefused(String prompt) {
    assertMessage("half of a character", prompt, builder -> builder);
  }

  @Test
  void numbersOutOfRangeAreNamedWithTheirRange() {
    assertMessage("steps must be between 1 and 1000, but is -3", builder -> builder.steps(-3));
    assertMessage("steps must be between 1 and 1000, but is 0", builder -> builder.steps(0));
    assertMessage("steps must be between 1 and 1000, but is 1001", builder -> builder.steps(1001));
    assertMessage("count must be between 1 and 10000, but is 0", builder -> builder.count(0));
    assertMessage("guidance must be between", builder -> builder.guidance(0.5));
    assertMessage("guidance must be between", builder -> builder.guidance(100.5));
    assertMessage("but is NaN", builder -> builder.guidance(Double.NaN));
    assertMessage("temperature must be between", builder -> builder.temperature(-0.1));
    assertMessage("but is NaN", builder -> builder.temperature(Double.NaN));
    assertMessage("but is Infinity", builder -> builder.temperature(Double.POSITIVE_INFINITY));
    assertMessage("topK must be between", builder -> builder.topK(-1));
    assertMessage("topP must be above 0", builder -> builder.topP(0));
    assertMessage("topP must be above 0", builder -> builder.topP(1e-60));
    assertMessage("topP must be above 0", builder -> builder.topP(1.5));
    assertMessage("topP must be above 0", builder -> builder.topP(Double.NaN));
  }

  @Test
  void modelOptionsAreChecked() {
    assertThrows(InvalidRequestException.class, () -> ModelOptions.builder().threads(-1).build());
    assertThrows(
        InvalidRequestException.class, () -> ModelOptions.builder().memoryLimitBytes(-1).build());
    assertEquals(Compute.AUTO, ModelOptions.defaults().compute());
  }

  @Test
  void traceRequestsAreChecked() {
    Noise noise = Noise.of(1, 1, 1, new float[1]);
    assertThrows(InvalidRequestException.class, () -> TraceRequest.of(" ", noise, 1, 1));
    assertThrows(InvalidRequestException.class, () -> TraceRequest.of("a", noise, 0, 1));
    assertThrows(InvalidRequestException.class, () -> TraceRequest.of("a", noise, 1, 0));
  }

  private static void assertMessage(String message, UnaryOperator<ImageRequest.Builder> change) {
    assertMessage(message, "a red circle", change);
  }

  private static void assertMessage(
      String message, String prompt, UnaryOperator<ImageRequest.Builder> change) {
    String found =
        assertThrows(
                InvalidRequestException.class,
                () -> change.apply(ImageRequest.builder(prompt)).build())
            .getMessage();
    assertTrue(found.contains(message), found);
  }
}
