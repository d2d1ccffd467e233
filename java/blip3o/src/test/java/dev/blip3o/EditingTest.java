package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Edits, variations, image to image and masks, with the golden checkpoints and their pictures. */
@Timeout(120)
class EditingTest {
  private static final Golden.Job JOB = Golden.job("tiny", 1);
  private static final InputImage PICTURE = JOB.references().get(0);
  private static final EditRequest REQUEST =
      EditRequest.builder("make the circle blue", PICTURE).seed(7).steps(4).build();
  private static final ImageRequest TEXT =
      ImageRequest.builder("a red circle").seed(7).steps(4).build();

  private static Blip3oModel model;

  @BeforeAll
  static void open() {
    model = Blip3oModel.open(Golden.model("tiny"));
  }

  @AfterAll
  static void close() {
    model.close();
  }

  @Test
  void aCheckpointWithEditingWeightsLacksNothing() {
    for (String name : new String[] {"tiny", "table", "demo"}) {
      try (Blip3oModel each = Blip3oModel.open(Golden.model(name))) {
        Capabilities capabilities = each.capabilities();
        assertEquals(
            new Capabilities(Optional.empty(), Optional.empty(), Optional.empty()), capabilities);
        assertTrue(capabilities.editing() && capabilities.imageToImage());
        assertTrue(capabilities.referenceTokens() && capabilities.referenceLatents());
      }
    }
  }

  @Test
  void aCheckpointForTextSaysSo() {
    try (Blip3oModel text = Blip3oModel.open(Golden.model("tied"))) {
      assertFalse(text.capabilities().editing());
      String lack = text.capabilities().editingLacks().orElseThrow();
      assertTrue(lack.contains("config.json"), lack);
      assertUnsupported(text, lack, () -> text.edit(REQUEST));
      Stages stages = text.stages();
      Noise noise = stages.noise(1);
      assertUnsupported(
          text, lack, () -> text.trace(TraceRequest.of("make it blue", noise, 1, 1, PICTURE)));
      List<int[]> tokens = List.of(new int[text.info().imageTokens()]);
      assertUnsupported(text, lack, () -> stages.editPrompt("make it blue", tokens));
      HiddenStates states = stages.hiddenStates("a", tokens.get(0));
      Latents latents = Latents.of(1, 1, 1, new float[1]);
      assertUnsupported(text, lack, () -> stages.condition(states, List.of(latents)));
      assertEquals(text.info().pictureWidth(), text.generate(TEXT).width());
    }
  }

  @Test
  void whatTheWeightsLackIsNamed(@TempDir Path directory) throws IOException {
    Blip3oModelTest.copy(Golden.model("tiny"), directory);
    rename(directory, "model.vision_tower.", "model.vision_other.");
    rename(directory, "model.sana_vae.encoder.", "model.sana_vae.another.");
    try (Blip3oModel each = Blip3oModel.open(directory)) {
      String noTokens = each.capabilities().referenceTokensLack().orElseThrow();
      String noLatents = each.capabilities().referenceLatentsLack().orElseThrow();
      assertTrue(noTokens.contains("vision_tower"), noTokens);
      assertTrue(noLatents.contains("sana_vae.encoder"), noLatents);
      assertFalse(each.capabilities().editing());
      assertUnsupported(each, noTokens, () -> each.stages().referenceTokens(PICTURE));
      assertUnsupported(each, noLatents, () -> each.stages().referenceLatents(PICTURE));
      ImageRequest fromPicture = TEXT.toBuilder().initialImage(PICTURE, 0.5).build();
      assertUnsupported(each, noLatents, () -> each.generate(fromPicture));
      assertEquals(model.generate(TEXT).pixels(), each.generate(TEXT).pixels());
    }
  }

  /** Renames tensors of a checkpoint; both names have the same length. */
  private static void rename(Path directory, String from, String to) throws IOException {
    Path file = directory.resolve("model.safetensors");
    String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
    assertTrue(bytes.contains(from));
    Files.writeString(file, bytes.replace(from, to), StandardCharsets.ISO_8859_1);
  }

  @Test
  void aTokenizerWithoutVisionTokensOpensAndCantEdit(@TempDir Path directory) throws IOException {
    Blip3oModelTest.copy(Golden.model("tiny"), directory);
    Path file = directory.resolve("tokenizer.json");
    Files.writeString(file, Files.readString(file).replace("<|vision_end|>", "<|other|>"));
    try (Blip3oModel each = Blip3oModel.open(directory)) {
      String lack = each.capabilities().editingLacks().orElseThrow();
      assertTrue(lack.contains("<|vision_end|>") && lack.contains(file.toString()), lack);
      assertUnsupported(each, lack, () -> each.edit(REQUEST));
      assertEquals(model.generate(TEXT).pixels(), each.generate(TEXT).pixels());
    }
  }

  @Test
  void equalSeedsGiveEqualEdits() {
    GeneratedImage first = model.edit(REQUEST);
    GeneratedImage again = model.edit((EditRequest) first.request());
    assertEquals(first.pixels(), again.pixels());
    assertNotEquals(first.pixels(), model.edit(REQUEST.toBuilder().seed(8).build()).pixels());
    assertEquals("edit", first.settings().get("operation"));
  }

  @Test
  void theReferenceMatters() {
    Golden.Job other = Golden.job("table", 2);
    EditRequest request =
        EditRequest.builder(REQUEST.prompt(), other.references().get(0)).seed(7).steps(4).build();
    assertNotEquals(model.edit(REQUEST).pixels(), model.edit(request).pixels());
  }

  @Test
  void severalEditsAreThoseOfTheirSeeds() {
    List<GeneratedImage> images = model.editAll(REQUEST.toBuilder().count(2).build());
    assertEquals(List.of(7L, 8L), images.stream().map(GeneratedImage::seed).toList());
    assertEquals(model.edit(REQUEST.toBuilder().seed(8).build()).pixels(), images.get(1).pixels());
    assertMessage("use editAll", () -> model.edit(REQUEST.toBuilder().count(2).build()));
  }

  @Test
  void theStagesMakeTheSameEdit() {
    assertEquals(model.edit(REQUEST).pixels(), byStages(model, REQUEST));
  }

  @Test
  void theStagesMakeTheSameEditOfSeveralPictures() {
    Golden.Job job = Golden.job("table", 2);
    try (Blip3oModel table = Blip3oModel.open(Golden.model("table"))) {
      EditRequest request =
          EditRequest.builder(job.prompt(), job.references()).seed(3).steps(4).build();
      assertEquals(table.edit(request).pixels(), byStages(table, request));
      List<InputImage> reversed = new ArrayList<>(job.references());
      Collections.reverse(reversed);
      EditRequest other = EditRequest.builder(job.prompt(), reversed).seed(3).steps(4).build();
      assertNotEquals(table.edit(request).pixels(), table.edit(other).pixels());
    }
  }

  @Test
  void theStagesMakeTheDemosEdit() {
    Golden.Job job = Golden.job("demo", 1);
    try (Blip3oModel demo = Blip3oModel.open(Golden.model("demo"))) {
      EditRequest request =
          EditRequest.builder(job.prompt(), job.references()).seed(3).steps(4).build();
      assertEquals(demo.edit(request).pixels(), byStages(demo, request));
    }
  }

  private static Pixels byStages(Blip3oModel model, EditRequest request) {
    Stages stages = model.stages();
    List<int[]> tokens = request.references().stream().map(stages::referenceTokens).toList();
    List<Latents> latents = request.references().stream().map(stages::referenceLatents).toList();
    PromptIds prompt = stages.editPrompt(request.prompt(), tokens);
    ImageTokens drawn = stages.drawTokens(prompt, request);
    Condition condition = stages.condition(drawn.hiddenStates(), latents);
    Denoise flow =
        Denoise.builder(condition, stages.noise(drawn.seed()))
            .references(latents)
            .steps(request.steps().getAsInt())
            .build();
    return stages.decode(stages.denoise(flow));
  }

  @Test
  void tokensCanBeKept() {
    GeneratedImage first = model.generate(TEXT);
    GeneratedImage same = model.generate(TEXT.toBuilder().tokens(first.tokens()).build());
    assertArrayEquals(first.tokens(), same.tokens());
    GeneratedImage variation =
        model.generate(TEXT.toBuilder().tokens(first.tokens()).seed(8).build());
    assertArrayEquals(first.tokens(), variation.tokens());
    assertNotEquals(first.pixels(), variation.pixels());
    Stages stages = model.stages();
    Condition condition = stages.condition(stages.hiddenStates(TEXT.prompt(), first.tokens()));
    Pixels byStages = stages.decode(stages.denoise(condition, stages.noise(8), 4, 2.0));
    assertEquals(byStages, variation.pixels());
    GeneratedImage edit = model.edit(REQUEST.toBuilder().tokens(first.tokens()).build());
    assertArrayEquals(first.tokens(), edit.tokens());
  }

  @Test
  void tokensThatAreNotTheModelsAreRefused() {
    assertMessage(
        "has 16 image tokens, but 3 were given",
        () -> model.generate(TEXT.toBuilder().tokens(1, 2, 3).build()));
    int[] tooLarge = new int[16];
    tooLarge[5] = 128;
    assertMessage(
        "image tokens must be in [0, 128), but token 5 is 128",
        () -> model.edit(REQUEST.toBuilder().tokens(tooLarge).build()));
  }

  @Test
  void theStrengthSaysHowMuchOfThePictureStays() {
    try (Blip3oModel demo = Blip3oModel.open(Golden.model("demo"))) {
      InputImage picture = Golden.job("demo", 1).references().get(0);
      double[] strengths = {0.1, 0.25, 0.5, 1};
      double[] differences = new double[strengths.length];
      for (int i = 0; i < strengths.length; i++) {
        ImageRequest request =
            TEXT.toBuilder().seed(9).steps(12).initialImage(picture, strengths[i]).build();
        differences[i] = difference(picture, demo.generate(request).pixels());
      }
      String found = Arrays.toString(differences);
      assertTrue(differences[0] < 2, found);
      for (int i = 1; i < differences.length; i++) {
        assertTrue(differences[i - 1] < differences[i], found);
      }
    }
  }

  @Test
  void strengthOneStartsFromPureNoise() {
    ImageRequest request = TEXT.toBuilder().initialImage(PICTURE, 1).build();
    assertEquals(model.generate(TEXT).pixels(), model.generate(request).pixels());
  }

  private static double difference(InputImage picture, Pixels pixels) {
    double sum = 0;
    for (int i = 0; i < pixels.rgb().capacity(); i++) {
      sum += Math.abs((picture.bytes().get(i) & 0xFF) - (pixels.rgb().get(i) & 0xFF));
    }
    return sum / pixels.rgb().capacity();
  }

  @Test
  void theStagesMakeTheSameImageToImage() {
    ImageRequest request = TEXT.toBuilder().initialImage(PICTURE, 0.5).build();
    Stages stages = model.stages();
    ImageTokens tokens = stages.imageTokens(request);
    Denoise flow =
        Denoise.builder(stages.condition(tokens.hiddenStates()), stages.noise(7))
            .initial(stages.referenceLatents(PICTURE), 0.5)
            .steps(4)
            .build();
    assertEquals(model.generate(request).pixels(), stages.decode(stages.denoise(flow)));
  }

  @Test
  void outsideTheMaskThePictureStays() {
    InputImage picture = InputImage.of(model.generate(TEXT).pixels());
    int side = picture.width();
    byte[] mask = new byte[side * side];
    for (int y = 0; y < side; y++) {
      Arrays.fill(mask, y * side, y * side + side / 2, (byte) 255); // the left half may change
    }
    ImageRequest request =
        TEXT.toBuilder()
            .seed(9)
            .initialImage(picture, 1)
            .mask(InputImage.ofGray(side, side, mask))
            .build();
    assertKept(picture, model.generate(request).pixels());
    EditRequest edit =
        EditRequest.builder("make it blue", picture)
            .seed(9)
            .steps(4)
            .mask(InputImage.ofGray(side, side, mask))
            .build();
    assertKept(picture, model.edit(edit).pixels());
  }

  /**
   * The right quarter, away from the mask's feathered border, is the picture's; the left is not.
   */
  private static void assertKept(InputImage picture, Pixels pixels) {
    int side = pixels.width();
    boolean changed = false;
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        int i = (y * side + x) * 3;
        boolean equal = picture.bytes().slice(i, 3).equals(pixels.rgb().slice(i, 3));
        assertTrue(x < side * 3 / 4 || equal, x + "," + y);
        changed |= x < side / 4 && !equal;
      }
    }
    assertTrue(changed);
  }

  @Test
  void anInstructionTooLongCountsTheReferencesTokens() {
    int pictures = 16;
    EditRequest request =
        EditRequest.builder("x".repeat(2000), Collections.nCopies(pictures, PICTURE)).build();
    assertMessage(
        "with its template and the " + 16 * pictures + " tokens of 16 reference pictures it has",
        () -> model.edit(request));
    EditRequest one = EditRequest.of("x".repeat(20_000), PICTURE);
    assertMessage(
        "the instruction is too long: with its template and the 16 tokens of 1 reference picture it",
        () -> model.edit(one));
    assertMessage(
        "at most " + model.info().maxPromptLength() + " leave room for the 16 image tokens",
        () -> model.edit(request));
    assertMessage(
        "the prompt is too long: with its template it has",
        () -> model.generate(ImageRequest.of("x".repeat(20_000))));
  }

  @Test
  void progressBeginsWithTheReferences() {
    InputImage fresh = InputImage.of(model.generate(TEXT.toBuilder().seed(1234).build()).pixels());
    EditRequest request = EditRequest.builder("make it blue", fresh).seed(1).steps(2).build();
    List<Progress> reports = new ArrayList<>();
    GeneratedImage image = model.edit(request, reports::add);
    Progress first = reports.get(0);
    assertEquals(Progress.Stage.ENCODE, first.stage());
    assertEquals(1, first.index());
    List<Progress> encode =
        reports.stream().filter(report -> report.stage() == Progress.Stage.ENCODE).toList();
    assertEquals(first.count(), encode.size());
    assertEquals(encode, reports.subList(0, encode.size()));
    assertTrue(image.timings().encode().compareTo(Duration.ZERO) > 0);
    assertTrue(image.timings().compute().compareTo(image.timings().encode()) > 0);
  }

  @Test
  void aPictureSeenLatelyIsNotEncodedAgain() {
    InputImage fresh = InputImage.of(model.generate(TEXT.toBuilder().seed(99).build()).pixels());
    GeneratedImage first = model.edit(EditRequest.builder("make it blue", fresh).seed(1).build());
    GeneratedImage second = model.edit(EditRequest.builder("make it red", fresh).seed(1).build());
    Duration once = first.timings().encode();
    Duration again = second.timings().encode();
    assertTrue(again.multipliedBy(4).compareTo(once) < 0, once + " and " + again);
  }

  @Test
  void anEditCanBeCancelled() {
    CancellationToken cancellation = new CancellationToken();
    assertThrows(
        GenerationCancelledException.class,
        () -> model.edit(REQUEST, progress -> cancellation.cancel(), cancellation));
    assertEquals(64, model.edit(REQUEST).width());
  }

  @Test
  void stagesRefuseWhatIsNotTheModels() {
    Stages stages = model.stages();
    assertMessage(
        "has 16 image tokens, but 3 were given",
        () -> stages.editPrompt("make it blue", List.of(new int[3])));
    assertMessage(
        "the number of references must be between 1 and 16, but is 0",
        () -> stages.editPrompt("make it blue", List.of()));
    assertNull("referenceTokens", () -> stages.editPrompt("make it blue", null));
    assertNull("image", () -> stages.referenceTokens(null));
    assertNull("image", () -> stages.referenceLatents(null));
    HiddenStates states = stages.hiddenStates("a", new int[16]);
    assertNull("references", () -> stages.condition(states, null));
    Latents wrong = Latents.of(8, 8, 7, new float[8 * 8 * 7]);
    assertMessage(
        "takes reference latents of shape [8, 8, 8], but [8, 8, 7] was given",
        () -> stages.condition(states, List.of(wrong)));
    Condition condition = stages.condition(states);
    assertMessage(
        "takes initial latents of shape [8, 8, 8]",
        () ->
            stages.denoise(Denoise.builder(condition, stages.noise(1)).initial(wrong, 1).build()));
  }

  private static void assertNull(String name, Executable executable) {
    assertEquals(name, assertThrows(NullPointerException.class, executable).getMessage());
  }

  /** Refused with the checkpoint's directory, what it lacks, and what to do. */
  private static void assertUnsupported(Blip3oModel model, String lack, Executable executable) {
    Path directory = model.info().directory();
    String place = lack.startsWith(directory.toString()) ? "" : directory + ": ";
    String remedy =
        "; use a checkpoint that was trained for editing (weights/README.md says which)";
    assertEquals(
        place + lack + remedy, assertThrows(UnsupportedException.class, executable).getMessage());
  }

  @Test
  void whatNoCheckpointMendsHasNoSuchRemedy() {
    Optional<String> lack = Optional.of("this model can't edit pictures: it needs 5 bytes");
    String found =
        assertThrows(
                UnsupportedException.class, () -> Capabilities.require(lack, Path.of("weights")))
            .getMessage();
    assertEquals("weights: this model can't edit pictures: it needs 5 bytes", found);
  }

  @Test
  void aConditionMustFitItsReferences() {
    Stages stages = model.stages();
    HiddenStates states = stages.hiddenStates("a", new int[16]);
    Latents latents = stages.referenceLatents(PICTURE);
    Condition text = stages.condition(states);
    Condition edit = stages.condition(states, List.of(latents));
    assertMisfit("0 reference pictures, but the flow has the latents of 1", text, latents);
    assertMisfit("1 reference picture, but the flow has the latents of 0", edit);
    assertMisfit("1 reference picture, but the flow has the latents of 2", edit, latents, latents);
    Condition elsewhere =
        Condition.sharing(
            edit.rows(), edit.captionSize(), edit.values(), edit.nullRow().orElseThrow(), edit);
    assertMisfit("1 reference picture, but the flow has the latents of 0", elsewhere);
    assertMisfit(
        "1 reference picture, but the flow has the latents of 2", elsewhere, latents, latents);
    Latents made = stages.denoise(flow(edit, latents));
    assertEquals(made, stages.denoise(flow(elsewhere, latents)));
  }

  private static void assertMisfit(String message, Condition condition, Latents... references) {
    assertMessage(
        "the condition was made for " + message,
        () -> model.stages().denoise(flow(condition, references)));
  }

  private static Denoise flow(Condition condition, Latents... references) {
    return Denoise.builder(condition, model.stages().noise(1))
        .references(List.of(references))
        .steps(1)
        .build();
  }

  private static void assertMessage(String message, Executable executable) {
    String found = assertThrows(InvalidRequestException.class, executable).getMessage();
    assertTrue(found.contains(message), found);
  }
}
