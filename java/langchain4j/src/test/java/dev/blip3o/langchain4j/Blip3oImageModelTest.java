package dev.blip3o.langchain4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.EditRequest;
import dev.blip3o.GeneratedImage;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.blip3o.Timings;
import dev.blip3o.support.Repository;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.image.ImageModel;
import dev.langchain4j.model.output.Response;
import dev.langchain4j.model.output.TokenUsage;
import java.awt.image.BufferedImage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The demo checkpoint through LangChain4j: the pictures are those of the library, to the byte. */
@Timeout(120)
class Blip3oImageModelTest {
  private static final String PROMPT = "a red circle";
  private static final String INSTRUCTION = "make the red circle blue";

  private static Blip3oModel model;
  private static Blip3oImageModel images;

  @BeforeAll
  static void open() {
    model = Blip3oModel.open(Repository.demo());
    images =
        Blip3oImageModel.builder(model)
            .defaultOptions(Blip3oImageOptions.builder().seed(7).steps(2).build())
            .build();
  }

  @AfterAll
  static void close() {
    images.close();
    assertEquals(0, model.metrics().running(), "a model that was given stays open");
    model.close();
  }

  private static ImageRequest.Builder request() {
    return ImageRequest.builder(PROMPT).seed(7).steps(2);
  }

  private static void assertSame(GeneratedImage expected, Image actual) {
    assertArrayEquals(expected.png(), Pictures.file(actual));
    assertEquals("image/png", actual.mimeType());
    assertNull(actual.url());
    assertNull(actual.revisedPrompt());
  }

  @Test
  void picturesAreTheLibrarys() {
    ImageModel asLangChain4jHasIt = images;
    assertSame(model.generate(request().build()), asLangChain4jHasIt.generate(PROMPT).content());
    List<Image> two = asLangChain4jHasIt.generate(PROMPT, 2).content();
    List<GeneratedImage> expected = model.generateAll(request().count(2).build());
    assertEquals(2, two.size());
    assertSame(expected.get(0), two.get(0));
    assertSame(expected.get(1), two.get(1));
  }

  @Test
  void optionsOfACallGoBeforeTheDefaults() {
    Blip3oImageOptions options =
        Blip3oImageOptions.builder()
            .steps(3)
            .guidance(4)
            .temperature(0.5)
            .topK(9)
            .topP(0.5)
            .strength(0.5)
            .priority(2)
            .deadline(Duration.ofMinutes(2))
            .build();
    ImageRequest.Builder direct = request().steps(3).guidance(4).temperature(0.5).topK(9).topP(0.5);
    assertSame(model.generate(direct.build()), images.generate(PROMPT, options).content());
    assertSame(
        model.generateAll(direct.count(2).build()).get(1),
        images.generate(PROMPT, 2, options).content().get(1));
  }

  @Test
  void aRandomSeedIsTold() {
    Blip3oImageModel plain =
        Blip3oImageModel.builder(model)
            .defaultOptions(Blip3oImageOptions.builder().steps(1).build())
            .build();
    Response<Image> first = plain.generate(PROMPT);
    long seed = (Long) ((List<?>) first.metadata().get(Blip3oImageModel.SEEDS)).get(0);
    assertNotEquals(List.of(seed), plain.generate(PROMPT).metadata().get(Blip3oImageModel.SEEDS));
    Blip3oImageOptions again = Blip3oImageOptions.builder().seed(seed).build();
    assertArrayEquals(
        Pictures.file(first.content()), Pictures.file(plain.generate(PROMPT, again).content()));
  }

  @Test
  void tokensOfAPictureMakeAVariation() {
    Response<List<Image>> first = images.generate(PROMPT, 2);
    List<?> tokens = (List<?>) first.metadata().get(Blip3oImageModel.TOKENS);
    assertEquals(2, tokens.size());
    List<Integer> kept = ((List<?>) tokens.get(1)).stream().map(Integer.class::cast).toList();
    Blip3oImageOptions options = Blip3oImageOptions.builder().seed(9).tokens(kept).build();
    GeneratedImage second = model.generate(request().seed(8).build());
    assertSame(
        model.generate(request().seed(9).tokens(second.tokens()).build()),
        images.generate(PROMPT, options).content());
  }

  @Test
  void editsAreTheLibrarys() {
    Image picture = images.generate(PROMPT).content();
    InputImage reference = InputImage.decode(Pictures.file(picture));
    EditRequest.Builder direct = EditRequest.builder(INSTRUCTION, reference).seed(7).steps(2);
    assertSame(model.edit(direct.build()), images.edit(picture, INSTRUCTION).content());
    assertSame(
        model.edit(direct.seed(8).strength(0.5).build()),
        images
            .edit(picture, INSTRUCTION, Blip3oImageOptions.builder().seed(8).strength(0.5).build())
            .content());
  }

  @Test
  void severalPicturesMakeOneEdit() {
    Image one = images.generate(PROMPT).content();
    Image other = images.generate("a blue square").content();
    EditRequest direct =
        EditRequest.builder(
                INSTRUCTION,
                InputImage.decode(Pictures.file(one)),
                InputImage.decode(Pictures.file(other)))
            .seed(7)
            .steps(2)
            .build();
    Blip3oImageOptions none = Blip3oImageOptions.builder().build();
    assertSame(model.edit(direct), images.edit(List.of(one, other), INSTRUCTION, none).content());
  }

  @Test
  void aMaskKeepsEveryPixelUpToItsEdge() {
    Image picture = images.generate(PROMPT).content();
    BufferedImage before = Pictures.read(picture);
    int side = before.getWidth();
    int edge = 77;
    Image mask = Pictures.maskOpaqueFrom(edge, side);
    BufferedImage after = Pictures.read(images.edit(picture, mask, INSTRUCTION).content());
    assertArrayEquals(
        before.getRGB(edge, 0, side - edge, side, null, 0, side - edge),
        after.getRGB(edge, 0, side - edge, side, null, 0, side - edge));
    int changed = 0;
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < edge; x++) {
        changed += before.getRGB(x, y) == after.getRGB(x, y) ? 0 : 1;
      }
    }
    assertTrue(changed > side, "only " + changed + " pixels changed");

    Blip3oImageOptions other = Blip3oImageOptions.builder().seed(8).build();
    assertNotEquals(
        Pictures.of(after).base64Data(),
        Pictures.of(Pictures.read(images.edit(picture, mask, INSTRUCTION, other).content()))
            .base64Data());
  }

  @Test
  void tokensAreCounted() {
    int drawn = model.info().imageTokens();
    int prompt = model.stages().prompt(PROMPT).length();
    Response<List<Image>> two = images.generate(PROMPT, 2);
    assertEquals(new TokenUsage(prompt, 2 * drawn, prompt + 2 * drawn), two.tokenUsage());

    Image picture = two.content().get(0);
    InputImage reference = InputImage.decode(Pictures.file(picture));
    int[] tokens = model.stages().referenceTokens(reference);
    int instruction = model.stages().editPrompt(INSTRUCTION, List.of(tokens)).length();
    assertTrue(instruction > tokens.length);
    assertEquals(
        new TokenUsage(instruction, drawn, instruction + drawn),
        images.edit(picture, INSTRUCTION).tokenUsage());
  }

  @Test
  void metadataHasAnEntryForEachPicture() {
    Response<List<Image>> two = images.generate(PROMPT, 2);
    assertEquals(List.of(7L, 8L), two.metadata().get(Blip3oImageModel.SEEDS));
    List<?> timings = (List<?>) two.metadata().get(Blip3oImageModel.TIMINGS);
    assertEquals(2, timings.size());
    for (Object entry : timings) {
      assertTrue(assertInstanceOf(Timings.class, entry).steps().compareTo(Duration.ZERO) > 0);
    }
    assertNull(two.finishReason());
    assertEquals(List.of(7L), images.generate(PROMPT).metadata().get(Blip3oImageModel.SEEDS));
  }

  @Test
  void threadsGetTheirOwnPictures() throws Exception {
    int threads = 4;
    ExecutorService callers = Executors.newFixedThreadPool(threads);
    try {
      List<Future<Image>> answers = new ArrayList<>();
      for (int seed = 0; seed < threads; seed++) {
        Blip3oImageOptions options = Blip3oImageOptions.builder().seed(seed).build();
        answers.add(callers.submit(() -> images.generate(PROMPT, options).content()));
      }
      for (int seed = 0; seed < threads; seed++) {
        assertSame(model.generate(request().seed(seed).build()), answers.get(seed).get());
      }
    } finally {
      callers.shutdownNow();
    }
  }

  @Test
  void aModelFromADirectoryIsItsOwn() {
    Blip3oImageModel own = Blip3oImageModel.builder(Repository.demo()).build();
    try (own) {
      Blip3oImageOptions options = Blip3oImageOptions.builder().seed(7).steps(2).build();
      assertSame(model.generate(request().build()), own.generate(PROMPT, options).content());
    }
    assertThrows(IllegalStateException.class, () -> own.generate(PROMPT));
    own.close();
  }
}
