package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageRequestTest {
  private static final InputImage PICTURE = InputImage.ofRgb(2, 3, new byte[18]);
  private static final InputImage MASK = InputImage.ofGray(2, 3, new byte[6]);

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
    assertTrue(request.tokens().isEmpty());
    assertTrue(request.initialImage().isEmpty());
    assertTrue(request.strength().isEmpty());
    assertTrue(request.mask().isEmpty());
    assertEquals(0, request.priority());
    assertTrue(request.deadline().isEmpty());
    assertEquals(0, request.previewEvery());
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
            .tokens(3, 1, 2)
            .initialImage(PICTURE, 0.6)
            .mask(MASK)
            .priority(-100)
            .deadline(Duration.ofNanos(1))
            .previewEvery(5)
            .build();
    assertEquals(-1, request.seed().getAsLong());
    assertEquals(3, request.count());
    assertEquals(1000, request.steps().getAsInt());
    assertEquals(1, request.guidance().getAsDouble());
    assertEquals(0, request.temperature().getAsDouble());
    assertEquals(0, request.topK().getAsInt());
    assertEquals(1, request.topP().getAsDouble());
    assertArrayEquals(new int[] {3, 1, 2}, request.tokens().orElseThrow());
    assertEquals(PICTURE, request.initialImage().orElseThrow());
    assertEquals(0.6, request.strength().getAsDouble());
    assertEquals(MASK, request.mask().orElseThrow());
    assertEquals(-100, request.priority());
    assertEquals(Duration.ofNanos(1), request.deadline().orElseThrow());
    assertEquals(5, request.previewEvery());
    assertEquals(request, request.toBuilder().build());
    assertEquals(request.hashCode(), request.toBuilder().build().hashCode());
  }

  @Test
  void equalityIsOfEverySetting() {
    ImageRequest request = ImageRequest.builder("a").initialImage(PICTURE, 0.6).build();
    List<UnaryOperator<ImageRequest.Builder>> changes =
        List.of(
            builder -> builder.seed(1),
            builder -> builder.count(2),
            builder -> builder.steps(3),
            builder -> builder.guidance(3),
            builder -> builder.temperature(3),
            builder -> builder.topK(3),
            builder -> builder.topP(0.3),
            builder -> builder.tokens(3),
            builder -> builder.initialImage(MASK, 0.6),
            builder -> builder.initialImage(PICTURE, 0.7),
            builder -> builder.mask(MASK),
            builder -> builder.priority(1),
            builder -> builder.deadline(Duration.ofMillis(1)),
            builder -> builder.previewEvery(1));
    for (UnaryOperator<ImageRequest.Builder> change : changes) {
      assertNotEquals(request, change.apply(request.toBuilder()).build());
    }
    assertNotEquals(request, ImageRequest.of("a"));
  }

  @Test
  void tokensAreCopiedInAndOut() {
    int[] tokens = {1, 2};
    ImageRequest request = ImageRequest.builder("a").tokens(tokens).build();
    tokens[0] = 9;
    request.tokens().orElseThrow()[1] = 9;
    assertArrayEquals(new int[] {1, 2}, request.tokens().orElseThrow());
  }

  @Test
  void aMaskNeedsAPictureOfItsSize() {
    assertMessage("a mask needs an initial picture", builder -> builder.mask(MASK));
    InputImage other = InputImage.ofGray(3, 2, new byte[6]);
    assertMessage(
        "the mask must have the size of its picture, 2x3, but is 3x2",
        builder -> builder.initialImage(PICTURE, 1).mask(other));
  }

  @Test
  void itsTextNamesWhatIsSet() {
    ImageRequest request =
        ImageRequest.builder("a").seed(-1).steps(4).tokens(1, 2).initialImage(PICTURE, 0.6).build();
    assertEquals(
        "ImageRequest[prompt=a, seed=18446744073709551615, count=1, steps=4, tokens=2,"
            + " initial=InputImage[2x3x3], strength=0.6]",
        request.toString());
    assertEquals(
        "ImageRequest[prompt=a, count=1, priority=-3, deadline=PT1.5S, previewEvery=2]",
        ImageRequest.builder("a")
            .priority(-3)
            .deadline(Duration.ofMillis(1500))
            .previewEvery(2)
            .build()
            .toString());
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
    assertMessage("priority must be between -100 and 100", builder -> builder.priority(101));
    assertMessage("priority must be between -100 and 100", builder -> builder.priority(-101));
    assertMessage("previewEvery must be between 0", builder -> builder.previewEvery(-1));
    assertMessage("but is PT0S", builder -> builder.deadline(Duration.ZERO));
    assertMessage("but is PT-1S", builder -> builder.deadline(Duration.ofSeconds(-1)));
    assertMessage(
        "deadline must be between", builder -> builder.deadline(Duration.ofDays(100_000)));
    for (double strength : new double[] {0, -1, 1e-60, 1.01, Double.NaN}) {
      assertMessage(
          "strength must be above 0 and at most 1, but is " + strength,
          builder -> builder.initialImage(PICTURE, strength));
    }
  }

  @Test
  void modelOptionsAreChecked() {
    assertThrows(InvalidRequestException.class, () -> ModelOptions.builder().threads(-1).build());
    assertThrows(
        InvalidRequestException.class, () -> ModelOptions.builder().memoryLimitBytes(-1).build());
    for (int limit : new int[] {-1, ModelOptions.MAX_QUEUE_LIMIT + 1}) {
      assertThrows(
          InvalidRequestException.class, () -> ModelOptions.builder().queueLimit(limit).build());
    }
    for (Duration target : List.of(Duration.ofMillis(-1), Duration.ofHours(2))) {
      assertThrows(
          InvalidRequestException.class,
          () -> ModelOptions.builder().latencyTarget(target).build());
    }
    ModelOptions options =
        ModelOptions.builder()
            .queueLimit(ModelOptions.MAX_QUEUE_LIMIT)
            .latencyTarget(ModelOptions.MAX_LATENCY_TARGET)
            .executor(Runnable::run)
            .build();
    assertEquals(ModelOptions.MAX_QUEUE_LIMIT, options.queueLimit());
    assertEquals(ModelOptions.MAX_LATENCY_TARGET, options.latencyTarget());
    assertTrue(options.executor().isPresent());
    assertEquals(options, options.toBuilder().build());
    ModelOptions others =
        ModelOptions.builder()
            .diffusionDirectory(Path.of("diffusion"))
            .threads(3)
            .compute(Compute.BF16)
            .memoryLimitBytes(5)
            .build();
    assertEquals(others, others.toBuilder().build());
    assertEquals(Compute.AUTO, ModelOptions.defaults().compute());
    assertTrue(ModelOptions.defaults().executor().isEmpty());
  }

  @Test
  void traceRequestsAreChecked() {
    Noise noise = Noise.of(1, 1, 1, new float[1]);
    assertThrows(InvalidRequestException.class, () -> TraceRequest.of(" ", noise, 1, 1));
    assertThrows(InvalidRequestException.class, () -> TraceRequest.of("a", noise, 0, 1));
    assertThrows(InvalidRequestException.class, () -> TraceRequest.of("a", noise, 1, 0));
    InputImage[] many = Collections.nCopies(17, PICTURE).toArray(InputImage[]::new);
    assertThrows(InvalidRequestException.class, () -> TraceRequest.of("a", noise, 1, 1, many));
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
