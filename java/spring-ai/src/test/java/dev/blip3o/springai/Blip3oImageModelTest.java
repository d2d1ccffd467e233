package dev.blip3o.springai;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.DeadlineExceededException;
import dev.blip3o.EditRequest;
import dev.blip3o.GeneratedImage;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.blip3o.InvalidRequestException;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.ai.chat.metadata.Usage;
import org.springframework.ai.image.ImageGeneration;
import org.springframework.ai.image.ImageMessage;
import org.springframework.ai.image.ImageOptionsBuilder;
import org.springframework.ai.image.ImagePrompt;

/** The demo checkpoint through Spring AI: the pictures are those of the library. */
@Timeout(120)
class Blip3oImageModelTest {
  private static final String PROMPT = "a red circle";
  private static Blip3oModel model;
  private static Blip3oImageModel images;

  @BeforeAll
  static void open() {
    model = Blip3oModel.open(Path.of(System.getProperty("blip3o.root"), "weights/demo"));
    images = new Blip3oImageModel(model);
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static List<ImageGeneration> call(String prompt, Blip3oImageOptions options) {
    return images.call(new ImagePrompt(prompt, options)).getResults();
  }

  private static void assertSame(GeneratedImage expected, ImageGeneration actual) {
    assertArrayEquals(expected.png(), Base64.getDecoder().decode(actual.getOutput().getB64Json()));
    Blip3oPictureMetadata metadata = (Blip3oPictureMetadata) actual.getMetadata();
    assertEquals(expected.seed(), metadata.seed());
    assertArrayEquals(
        expected.tokens(), metadata.tokens().stream().mapToInt(Integer::intValue).toArray());
  }

  @Test
  void eachPictureIsTheLibrarysOfItsSeed() {
    List<ImageGeneration> made =
        call(PROMPT, Blip3oImageOptions.builder().seed(7).steps(3).count(2).build());
    assertEquals(2, made.size());
    List<GeneratedImage> expected =
        model.generateAll(ImageRequest.builder(PROMPT).seed(7).steps(3).count(2).build());
    assertSame(expected.get(0), made.get(0));
    assertSame(expected.get(1), made.get(1));
  }

  @Test
  void anEditWithAMaskIsTheLibrarys() {
    GeneratedImage first = model.generate(ImageRequest.builder(PROMPT).seed(7).steps(3).build());
    InputImage picture = InputImage.of(first.toBufferedImage());
    InputImage mask =
        InputImage.of(
            new BufferedImage(first.width(), first.height(), BufferedImage.TYPE_BYTE_GRAY));
    String instruction = "make the red circle blue";
    List<ImageGeneration> made =
        call(
            instruction,
            Blip3oImageOptions.builder().references(picture).mask(mask).seed(7).steps(3).build());
    assertSame(
        model.edit(EditRequest.builder(instruction, picture).mask(mask).seed(7).steps(3).build()),
        made.get(0));
  }

  @Test
  void optionsOfSpringAreRead() {
    var wrong = ImageOptionsBuilder.builder().width(model.info().pictureWidth() + 1).build();
    String message =
        assertThrows(
                InvalidRequestException.class, () -> images.call(new ImagePrompt(PROMPT, wrong)))
            .getMessage();
    assertTrue(message.startsWith("width is "), message);
    var linked = ImageOptionsBuilder.builder().responseFormat("url").build();
    assertThrows(InvalidRequestException.class, () -> images.call(new ImagePrompt(PROMPT, linked)));
    var none = ImageOptionsBuilder.builder().N(0).build();
    assertThrows(InvalidRequestException.class, () -> images.call(new ImagePrompt(PROMPT, none)));
  }

  @Test
  void severalMessagesAreRefused() {
    ImagePrompt two = new ImagePrompt(List.of(new ImageMessage("a"), new ImageMessage("b")));
    assertThrows(InvalidRequestException.class, () -> images.call(two));
  }

  @Test
  void aPictureCanBeVariedByItsTokensAndStartedFrom() {
    GeneratedImage first = model.generate(ImageRequest.builder(PROMPT).seed(7).steps(3).build());
    InputImage picture = InputImage.of(first.toBufferedImage());
    Blip3oPictureMetadata metadata =
        (Blip3oPictureMetadata)
            call(PROMPT, Blip3oImageOptions.builder().seed(7).steps(3).build())
                .get(0)
                .getMetadata();
    List<ImageGeneration> made =
        call(
            PROMPT,
            Blip3oImageOptions.builder()
                .tokens(metadata.tokens())
                .initialImage(picture, 0.7)
                .seed(8)
                .steps(3)
                .build());
    assertSame(
        model.generate(
            ImageRequest.builder(PROMPT)
                .tokens(first.tokens())
                .initialImage(picture, 0.7)
                .seed(8)
                .steps(3)
                .build()),
        made.get(0));
  }

  @Test
  void defaultsHoldWhereAPromptSaysNothing() {
    Blip3oImageModel seeded =
        new Blip3oImageModel(model, Blip3oImageOptions.builder().seed(7).steps(3).build());
    GeneratedImage expected = model.generate(ImageRequest.builder(PROMPT).seed(7).steps(3).build());
    assertSame(expected, seeded.call(new ImagePrompt(PROMPT)).getResult());
    var springs = ImageOptionsBuilder.builder().N(1).build();
    assertSame(expected, seeded.call(new ImagePrompt(PROMPT, springs)).getResult());
    var own = Blip3oImageOptions.builder().seed(8).build();
    assertSame(
        model.generate(ImageRequest.builder(PROMPT).seed(8).steps(3).build()),
        seeded.call(new ImagePrompt(PROMPT, own)).getResult());
  }

  @Test
  void theUsageIsInTheMetadata() {
    var two = Blip3oImageOptions.builder().seed(7).steps(1).count(2).build();
    Usage usage = usage(new ImagePrompt(PROMPT, two));
    assertEquals(model.stages().prompt(PROMPT).length(), usage.getPromptTokens());
    assertEquals(2 * model.info().imageTokens(), usage.getCompletionTokens());
    InputImage picture = InputImage.of(new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB));
    var edit = Blip3oImageOptions.builder().references(picture, picture).steps(1).build();
    int[] read = model.stages().referenceTokens(picture);
    assertEquals(
        model.stages().editPrompt(PROMPT, List.of(read, read)).length(),
        usage(new ImagePrompt(PROMPT, edit)).getPromptTokens());
  }

  private static Usage usage(ImagePrompt prompt) {
    return images.call(prompt).getMetadata().getRequired(Blip3oImageModel.USAGE);
  }

  @Test
  void errorsAreTheLibrarys() {
    var late = Blip3oImageOptions.builder().deadline(Duration.ofNanos(1)).build();
    assertThrows(DeadlineExceededException.class, () -> images.call(new ImagePrompt(PROMPT, late)));
    assertThrows(InvalidRequestException.class, () -> images.call(new ImagePrompt(" ")));
    Thread.currentThread().interrupt();
    assertThrows(GenerationCancelledException.class, () -> images.call(new ImagePrompt(PROMPT)));
    assertTrue(Thread.interrupted());
  }

  @Test
  void afterADrainPromptsAreRefusedUntilItResumes() {
    Blip3oImageModel leaving = new Blip3oImageModel(model);
    assertTrue(leaving.drain(Duration.ZERO));
    ImagePrompt prompt = new ImagePrompt(PROMPT, Blip3oImageOptions.builder().steps(1).build());
    String message =
        assertThrows(IllegalStateException.class, () -> leaving.call(prompt)).getMessage();
    assertTrue(message.contains("shut down"), message);
    leaving.resume();
    assertEquals(1, leaving.call(prompt).getResults().size());
    assertTrue(leaving.drain(Duration.ZERO), "the call has not left");
  }
}
