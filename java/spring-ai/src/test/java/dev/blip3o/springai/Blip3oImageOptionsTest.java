package dev.blip3o.springai;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.EditRequest;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.PictureRequest;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Options become the library's requests. */
class Blip3oImageOptionsTest {
  private static final InputImage PICTURE = InputImage.ofRgb(2, 1, new byte[] {1, 2, 3, 4, 5, 6});
  private static final InputImage OTHER = InputImage.ofRgb(1, 1, new byte[] {9, 9, 9});
  private static final InputImage MASK = InputImage.ofGray(2, 1, new byte[] {0, -1});

  private static Blip3oImageOptions.Builder all() {
    return Blip3oImageOptions.builder()
        .count(3)
        .seed(-7)
        .steps(4)
        .guidance(1.5)
        .temperature(0.25)
        .topK(9)
        .topP(0.75)
        .tokens(List.of(5, 6))
        .mask(MASK)
        .priority(-3)
        .deadline(Duration.ofSeconds(90));
  }

  private static void setAll(PictureRequest.Builder<?> request) {
    request.count(3).seed(-7).steps(4).guidance(1.5).temperature(0.25).topK(9).topP(0.75);
    request.tokens(5, 6).mask(MASK).priority(-3).deadline(Duration.ofSeconds(90));
  }

  @Test
  void everyOptionReachesTheRequest() {
    ImageRequest.Builder expected = ImageRequest.builder("a star").initialImage(PICTURE, 0.5);
    setAll(expected);
    assertEquals(expected.build(), all().initialImage(PICTURE, 0.5).build().request("a star"));
  }

  @Test
  void everyOptionReachesTheEdit() {
    EditRequest.Builder expected = EditRequest.builder("go", PICTURE, OTHER).strength(0.5);
    setAll(expected);
    assertEquals(
        expected.build(), all().references(PICTURE, OTHER).strength(0.5).build().request("go"));
  }

  @Test
  void nothingSetIsTheLibrarysDefault() {
    assertEquals(ImageRequest.of("a star"), Blip3oImageOptions.builder().build().request("a star"));
  }

  @Test
  void whatIsSetIsTold() {
    Blip3oImageOptions options = all().initialImage(PICTURE, 0.5).build();
    assertEquals(3, options.getN());
    assertEquals(-7, options.seed().getAsLong());
    assertEquals(4, options.steps().getAsInt());
    assertEquals(1.5, options.guidance().getAsDouble());
    assertEquals(0.25, options.temperature().getAsDouble());
    assertEquals(9, options.topK().getAsInt());
    assertEquals(0.75, options.topP().getAsDouble());
    assertEquals(List.of(5, 6), options.tokens());
    assertEquals(PICTURE, options.initialImage().orElseThrow());
    assertEquals(0.5, options.strength().getAsDouble());
    assertEquals(MASK, options.mask().orElseThrow());
    assertEquals(-3, options.priority().getAsInt());
    assertEquals(Duration.ofSeconds(90), options.deadline().orElseThrow());
  }

  @Test
  void aPromptsOptionsComeBeforeTheDefaults() {
    Blip3oImageOptions own = Blip3oImageOptions.builder().seed(8).temperature(0).build();
    PictureRequest request = own.over(all().mask(MASK).references(PICTURE).build()).request("go");
    assertEquals(8, request.seed().getAsLong());
    assertEquals(0, request.temperature().getAsDouble());
    assertEquals(4, request.steps().getAsInt());
    assertArrayEquals(new int[] {5, 6}, request.tokens().orElseThrow());
    assertEquals(List.of(PICTURE), ((EditRequest) request).references());
  }

  @Test
  void aBuilderStartsFromOptions() {
    Blip3oImageOptions options = all().references(PICTURE).strength(0.5).build();
    assertEquals(options.request("go"), options.toBuilder().build().request("go"));
  }

  static Stream<Arguments> invalid() {
    return Stream.of(
        of("count", options -> options.count(0)),
        of("steps", options -> options.steps(0)),
        of("guidance", options -> options.guidance(0.5)),
        of("temperature", options -> options.temperature(-1)),
        of("topK", options -> options.topK(-1)),
        of("topP", options -> options.topP(0)),
        of("priority", options -> options.priority(101)),
        of("deadline", options -> options.deadline(Duration.ZERO)),
        of("strength", options -> options.initialImage(PICTURE, 1.5)),
        of("strength", options -> options.strength(0.5)),
        of("mask", options -> options.mask(MASK)),
        of("initial image", options -> options.references(OTHER).initialImage(PICTURE, 0.5)),
        of("reference pictures", options -> options.references(Collections.nCopies(17, PICTURE))));
  }

  private static Arguments of(String name, Consumer<Blip3oImageOptions.Builder> option) {
    return Arguments.of(name, option);
  }

  @ParameterizedTest(name = "{0} {index}")
  @MethodSource("invalid")
  void whatCannotBeIsNamed(String name, Consumer<Blip3oImageOptions.Builder> option) {
    Blip3oImageOptions.Builder builder = Blip3oImageOptions.builder();
    option.accept(builder);
    Blip3oImageOptions options = builder.build();
    String message =
        assertThrows(InvalidRequestException.class, () -> options.request("go")).getMessage();
    assertTrue(message.contains(name), message);
  }
}
