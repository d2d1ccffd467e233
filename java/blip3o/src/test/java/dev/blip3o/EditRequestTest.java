package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class EditRequestTest {
  private static final InputImage FIRST = InputImage.ofRgb(2, 3, new byte[18]);
  private static final InputImage SECOND = InputImage.ofGray(5, 5, new byte[25]);
  private static final InputImage MASK = InputImage.ofGray(2, 3, new byte[6]);

  @Test
  void anInstructionAndAPictureAreEnough() {
    EditRequest request = EditRequest.of("make it blue", FIRST, SECOND);
    assertEquals("make it blue", request.prompt());
    assertEquals(List.of(FIRST, SECOND), request.references());
    assertEquals(1, request.count());
    assertTrue(request.strength().isEmpty());
    assertTrue(request.initial().isEmpty());
  }

  @Test
  void theBuilderKeepsEverything() {
    EditRequest request =
        EditRequest.builder("make it blue", FIRST)
            .seed(-1)
            .count(3)
            .steps(7)
            .guidance(3)
            .temperature(0)
            .topK(5)
            .topP(0.5)
            .tokens(3, 1, 2)
            .strength(0.6)
            .mask(MASK)
            .build();
    assertEquals(-1, request.seed().getAsLong());
    assertEquals(3, request.count());
    assertEquals(7, request.steps().getAsInt());
    assertEquals(0.6, request.strength().getAsDouble());
    assertEquals(MASK, request.mask().orElseThrow());
    assertArrayEquals(new int[] {3, 1, 2}, request.tokens().orElseThrow());
    assertEquals(request, request.toBuilder().build());
    assertEquals(request.hashCode(), request.toBuilder().build().hashCode());
    for (UnaryOperator<EditRequest.Builder> change :
        List.<UnaryOperator<EditRequest.Builder>>of(
            builder -> builder.seed(2),
            builder -> builder.strength(0.7),
            builder -> builder.tokens(1))) {
      assertNotEquals(request, change.apply(request.toBuilder()).build());
    }
    assertNotEquals(EditRequest.of("a", FIRST, SECOND), EditRequest.of("a", SECOND, FIRST));
    assertNotEquals((PictureRequest) EditRequest.of("a", FIRST), ImageRequest.of("a"));
  }

  @Test
  void maskAndStrengthReferToTheFirstReference() {
    assertEquals(
        FIRST, EditRequest.builder("a", FIRST, SECOND).mask(MASK).build().initial().orElseThrow());
    assertEquals(
        SECOND,
        EditRequest.builder("a", SECOND, FIRST).strength(1).build().initial().orElseThrow());
    assertMessage(
        "the mask must have the size of its picture, 5x5, but is 2x3",
        () -> EditRequest.builder("a", SECOND, FIRST).mask(MASK).build());
  }

  @Test
  void aRequestCanBeAskedAgainWithAnotherInstruction() {
    EditRequest request = EditRequest.builder("make it blue", FIRST, SECOND).seed(3).build();
    EditRequest other = request.toBuilder().prompt("make it red").build();
    assertEquals(EditRequest.builder("make it red", FIRST, SECOND).seed(3).build(), other);
    assertMessage("the instruction is empty", () -> request.toBuilder().prompt(" ").build());
    assertEquals(ImageRequest.of("b"), ImageRequest.of("a").toBuilder().prompt("b").build());
  }

  @Test
  void whatIsNullIsNamed() {
    assertNull("first", () -> EditRequest.of("a", (InputImage) null));
    assertNull("references[1]", () -> EditRequest.of("a", FIRST, (InputImage) null));
    assertNull("more", () -> EditRequest.of("a", FIRST, (InputImage[]) null));
    assertNull("references", () -> EditRequest.builder("a", (List<InputImage>) null));
    assertNull("instruction", () -> EditRequest.of(null, FIRST));
    assertNull("prompt", () -> ImageRequest.of(null));
    assertNull("tokens", () -> ImageRequest.builder("a").tokens((int[]) null));
    assertNull("image", () -> InputImage.of((BufferedImage) null));
    assertNull("pixels", () -> InputImage.of((Pixels) null));
    assertNull("rgb", () -> InputImage.ofRgb(1, 1, null));
    assertNull("rgba", () -> InputImage.ofRgba(1, 1, null));
    assertNull("gray", () -> InputImage.ofGray(1, 1, null));
    Denoise.Builder flow =
        Denoise.builder(
            Condition.of(1, 1, new float[1], new float[1]), Noise.of(1, 1, 1, new float[1]));
    assertNull("references", () -> flow.references(null));
    assertNull("initial", () -> flow.initial(null, 1));
  }

  private static void assertNull(String name, Executable executable) {
    assertEquals(name, assertThrows(NullPointerException.class, executable).getMessage());
  }

  @Test
  void oneToSixteenReferences() {
    assertMessage(
        "an edit needs 1 to 16 reference pictures",
        () -> EditRequest.builder("a", List.of()).build());
    List<InputImage> most = Collections.nCopies(16, FIRST);
    assertEquals(16, EditRequest.builder("a", most).build().references().size());
    List<InputImage> tooMany = Collections.nCopies(17, FIRST);
    assertMessage(
        "at most 16 reference pictures, but 17 were given",
        () -> EditRequest.builder("a", tooMany).build());
  }

  @Test
  void theReferencesAreCopied() {
    List<InputImage> references = new ArrayList<>(List.of(FIRST));
    EditRequest.Builder builder = EditRequest.builder("a", references);
    references.add(SECOND);
    assertEquals(List.of(FIRST), builder.build().references());
  }

  @Test
  void settingsAreCheckedAsThoseOfEveryRequest() {
    assertMessage(
        "the instruction is empty: say in a few words what to change",
        () -> EditRequest.of(" ", FIRST));
    assertMessage(
        "the instruction holds half of a character", () -> EditRequest.of("a\uD800", FIRST));
    assertMessage("steps must be", () -> EditRequest.builder("a", FIRST).steps(0).build());
    assertMessage(
        "strength must be above 0", () -> EditRequest.builder("a", FIRST).strength(0).build());
  }

  @Test
  void theFlowIsCheckedBeforeItRuns() {
    Condition without = Condition.of(1, 1, new float[1]);
    Condition with = Condition.of(1, 1, new float[1], new float[1]);
    Noise noise = Noise.of(1, 1, 1, new float[1]);
    Latents initial = Latents.of(1, 1, 1, new float[1]);
    assertEquals(30, Denoise.builder(with, noise).build().steps());
    assertEquals(2.0, Denoise.builder(with, noise).build().guidance());
    assertMessage(
        "needs a condition with a null row", () -> Denoise.builder(without, noise).build());
    assertMessage(
        "strength must be above 0", () -> Denoise.builder(with, noise).initial(initial, 0).build());
    assertMessage("steps must be", () -> Denoise.builder(with, noise).steps(1001).build());
    assertMessage("guidance must be", () -> Denoise.builder(with, noise).guidance(0).build());
    Denoise whole = Denoise.builder(with, noise).initial(initial, 0.5).build();
    assertMessage(
        "strength 0.5 needs initial latents",
        () ->
            new Denoise(
                with,
                List.of(),
                noise,
                Optional.empty(),
                whole.strength(),
                whole.steps(),
                whole.guidance()));
  }

  private static void assertMessage(String message, Executable executable) {
    String found = assertThrows(InvalidRequestException.class, executable).getMessage();
    assertTrue(found.contains(message), found);
  }
}
