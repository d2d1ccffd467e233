package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** The whole way through the native library, with the smallest golden checkpoint. */
@Timeout(120)
class Blip3oModelTest {
  private static final ImageRequest REQUEST =
      ImageRequest.builder("a red circle").seed(7).steps(4).build();
  private static final Path TINY = Golden.model("tiny");

  private static Blip3oModel model;

  @BeforeAll
  static void open() {
    model = Blip3oModel.open(TINY);
  }

  @AfterAll
  static void close() {
    model.close();
    model.close();
  }

  @Test
  void saysWhatItIs() {
    ModelInfo info = model.info();
    assertEquals(TINY, info.directory());
    assertEquals(16, info.imageTokens());
    assertEquals(128, info.imageCodes());
    assertEquals(64, info.hiddenSize());
    assertEquals(96, info.captionSize());
    assertEquals(
        List.of(8, 8, 8), List.of(info.latentChannels(), info.latentHeight(), info.latentWidth()));
    assertEquals(64, info.pictureWidth());
    assertEquals(64, info.pictureHeight());
    assertEquals(30, info.defaultSteps());
    assertEquals(2.0, info.defaultGuidance());
    assertTrue(info.threads() > 0);
    assertNotEquals(Compute.AUTO, info.compute());
    assertFalse(info.backend().isEmpty());
    assertTrue(Blip3oModel.version().matches("\\d+\\.\\d+\\.\\d+.*"));
  }

  @Test
  void equalSeedsGiveEqualPictures() {
    GeneratedImage first = model.generate(REQUEST);
    GeneratedImage second = model.generate((ImageRequest) first.request());
    assertEquals(first.pixels(), second.pixels());
    assertArrayEquals(first.tokens(), second.tokens());
    GeneratedImage other = model.generate(REQUEST.toBuilder().seed(8).build());
    assertNotEquals(first.pixels(), other.pixels());
  }

  @Test
  void aRandomSeedIsReportedAndGivesThePictureAgain() {
    GeneratedImage image = model.generate(ImageRequest.builder("a red circle").steps(1).build());
    GeneratedImage again =
        model.generate(ImageRequest.builder("a red circle").steps(1).seed(image.seed()).build());
    assertEquals(image.pixels(), again.pixels());
    assertEquals(model.info().defaultTopK(), image.request().topK().getAsInt());
  }

  @Test
  void severalPicturesAreThoseOfTheirSeeds() {
    List<Integer> finished = new ArrayList<>();
    List<GeneratedImage> images =
        model.generateAll(
            REQUEST.toBuilder().count(3).build(),
            new ProgressListener() {
              @Override
              public void onProgress(Progress progress) {
                assertTrue(progress.picture() >= finished.size(), progress.toString());
                assertEquals(3, progress.pictures());
              }

              @Override
              public void onPicture(int picture, GeneratedImage image) {
                finished.add(picture);
              }
            });
    assertEquals(List.of(0, 1, 2), finished);
    assertEquals(List.of(7L, 8L, 9L), images.stream().map(GeneratedImage::seed).toList());
    GeneratedImage alone = model.generate(REQUEST.toBuilder().seed(9).build());
    assertEquals(alone.pixels(), images.get(2).pixels());
  }

  @Test
  void progressCountsEveryUnitOnceOnTheCallingThread() {
    List<Progress> reports = new ArrayList<>();
    Thread caller = Thread.currentThread();
    model.generate(
        REQUEST,
        progress -> {
          assertSame(caller, Thread.currentThread());
          reports.add(progress);
        });
    assertUnits(reports, Progress.Stage.TOKENS, model.info().imageTokens());
    assertUnits(reports, Progress.Stage.STEPS, 4);
    List<Progress> decode = of(reports, Progress.Stage.DECODE);
    assertUnits(reports, Progress.Stage.DECODE, decode.get(0).count());
  }

  private static void assertUnits(List<Progress> reports, Progress.Stage stage, int count) {
    List<Progress> units = of(reports, stage);
    assertEquals(count, units.size(), stage.toString());
    for (int i = 0; i < count; i++) {
      assertEquals(new Progress(stage, i + 1, count, 0, 1), units.get(i));
    }
  }

  private static List<Progress> of(List<Progress> reports, Progress.Stage stage) {
    return reports.stream().filter(progress -> progress.stage() == stage).toList();
  }

  @Test
  void timingsAddUp() {
    Timings timings = model.generate(REQUEST).timings();
    for (Duration stage :
        List.of(
            timings.prefill(),
            timings.tokens(),
            timings.condition(),
            timings.steps(),
            timings.decode(),
            timings.tokenizing())) {
      assertTrue(stage.compareTo(Duration.ZERO) > 0, timings.toString());
    }
    assertTrue(timings.compute().compareTo(timings.total()) <= 0, timings.toString());
    assertTrue(timings.workspaceBytes() > 0);
  }

  @Test
  void theStagesMakeTheSamePicture() {
    Stages stages = model.stages();
    ImageTokens tokens = stages.imageTokens(REQUEST);
    Condition condition = stages.condition(tokens.hiddenStates());
    assertEquals(96, condition.nullRow().orElseThrow().remaining());
    Noise noise = stages.noise(tokens.seed());
    Latents latents = stages.denoise(condition, noise, 4, 2.0);
    Pixels pixels = stages.decode(latents);
    GeneratedImage image = model.generate(REQUEST);
    assertArrayEquals(image.tokens(), tokens.tokens());
    assertEquals(image.pixels(), pixels);
  }

  @Test
  void onePrefillGivesTheHiddenStatesKeptFromDecoding() {
    Stages stages = model.stages();
    ImageTokens tokens = stages.imageTokens(REQUEST);
    HiddenStates prefill = stages.hiddenStates(REQUEST.prompt(), tokens.tokens());
    assertEquals(prefill, stages.hiddenStates(tokens));
    assertArrayEquals(tokens.hiddenStates().shape(), prefill.shape());
    float[] expected = tokens.hiddenStates().toArray();
    float[] found = prefill.toArray();
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(expected[i] - found[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    assertTrue(Math.sqrt(difference / norm) < 1e-4, "error " + Math.sqrt(difference / norm));
  }

  @Test
  void guidanceOneNeedsNoNullRow() {
    Stages stages = model.stages();
    Condition with = stages.condition(stages.imageTokens(REQUEST).hiddenStates());
    Condition without = Condition.of(with.rows(), with.captionSize(), with.toArray());
    Noise noise = stages.noise(1);
    assertEquals(stages.denoise(with, noise, 2, 1.0), stages.denoise(without, noise, 2, 1.0));
    assertMessage("needs a condition with a null row", () -> stages.denoise(without, noise, 2, 2));
  }

  @Test
  void stagesRefuseWhatIsNotTheModels() {
    Stages stages = model.stages();
    assertMessage(
        "takes hidden states of shape [17, 64], but [17, 63] was given",
        () -> stages.condition(HiddenStates.of(17, 63, new float[17 * 63])));
    assertMessage(
        "takes latents of shape [8, 8, 8], but [8, 8, 4] was given",
        () -> stages.decode(Latents.of(8, 8, 4, new float[256])));
    assertMessage(
        "has 16 image tokens, but 15 were given", () -> stages.hiddenStates("a", new int[15]));
    int[] outside = new int[16];
    outside[3] = 128;
    assertMessage("token 3 is 128", () -> stages.hiddenStates("a", outside));
    assertMessage(
        "takes noise of shape [8, 8, 8], but [1, 1, 1] was given",
        () -> model.trace(TraceRequest.of("a", Noise.of(1, 1, 1, new float[1]), 1, 1)));
    assertMessage("use generateAll", () -> model.generate(REQUEST.toBuilder().count(2).build()));
    int tooLarge = model.info().vocabularySize();
    assertThrows(
        InvalidRequestException.class,
        () -> stages.hiddenStates(PromptIds.of(tooLarge), new int[16]));
  }

  @Test
  void aPromptTooLongIsRefusedWithItsLengthAndTheMaximum() {
    String prompt = "x".repeat(100_000);
    String message =
        assertThrows(InvalidRequestException.class, () -> model.generate(ImageRequest.of(prompt)))
            .getMessage();
    assertTrue(message.contains("the prompt is too long"), message);
    assertTrue(message.contains("at most " + model.info().maxPromptLength()), message);
  }

  @Test
  void manyThreadsGetThePicturesTheyAskedFor() throws Exception {
    List<Pixels> expected = new ArrayList<>();
    for (int seed = 0; seed < 4; seed++) {
      expected.add(model.generate(REQUEST.toBuilder().seed(seed).build()).pixels());
    }
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<Pixels>> found = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        ImageRequest request = REQUEST.toBuilder().seed(i % 4).build();
        found.add(threads.submit(() -> model.generate(request).pixels()));
      }
      for (int i = 0; i < 16; i++) {
        assertEquals(expected.get(i % 4), found.get(i).get());
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void aTokenCancelsAndTheModelGoesOn() {
    CancellationToken cancellation = new CancellationToken();
    List<Progress> reports = new ArrayList<>();
    assertThrows(
        GenerationCancelledException.class,
        () ->
            model.generate(
                REQUEST.toBuilder().steps(1000).build(),
                progress -> {
                  reports.add(progress);
                  cancellation.cancel();
                },
                cancellation));
    assertEquals(1, reports.size());
    assertThrows(
        GenerationCancelledException.class,
        () -> model.generate(REQUEST, ProgressListener.NONE, cancellation));
    assertEquals(64, model.generate(REQUEST).width());
  }

  @Test
  void anInterruptCancelsAndStaysSet() {
    assertThrows(
        GenerationCancelledException.class,
        () ->
            model.generate(
                REQUEST.toBuilder().steps(1000).build(),
                progress -> Thread.currentThread().interrupt()));
    assertTrue(Thread.interrupted());
    assertEquals(64, model.generate(REQUEST).width());
  }

  @Test
  void aListenersExceptionReachesTheCaller() {
    RuntimeException thrown = new RuntimeException("mine");
    RuntimeException caught =
        assertThrows(
            RuntimeException.class,
            () ->
                model.generate(
                    REQUEST,
                    progress -> {
                      throw thrown;
                    }));
    assertSame(thrown, caught);
    assertEquals(64, model.generate(REQUEST).width());
  }

  @Test
  void closingCancelsWhatRuns() throws Exception {
    Blip3oModel closing = Blip3oModel.open(TINY);
    ExecutorService threads = Executors.newFixedThreadPool(3);
    try {
      CountDownLatch running = new CountDownLatch(1);
      List<Future<GeneratedImage>> calls = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        calls.add(
            threads.submit(
                () ->
                    closing.generate(
                        REQUEST.toBuilder().steps(1000).build(), progress -> running.countDown())));
      }
      running.await();
      closing.close();
      for (Future<GeneratedImage> call : calls) {
        Throwable cause = assertThrows(ExecutionException.class, call::get).getCause();
        assertTrue(
            cause instanceof GenerationCancelledException || cause instanceof IllegalStateException,
            cause.toString());
      }
      assertThrows(IllegalStateException.class, () -> closing.generate(REQUEST));
      assertThrows(IllegalStateException.class, () -> closing.stages().prompt("a"));
      assertEquals(16, closing.info().imageTokens());
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void closingFromAListenerEndsTheCall() {
    Blip3oModel closing = Blip3oModel.open(TINY);
    assertThrows(
        GenerationCancelledException.class,
        () -> closing.generate(REQUEST, progress -> closing.close()));
    assertThrows(IllegalStateException.class, () -> closing.generate(REQUEST));
  }

  @Test
  void aForgottenModelIsCollectedWhileOthersRun() {
    for (int i = 0; i < 5; i++) {
      GeneratedImage image = Blip3oModel.open(TINY).generate(REQUEST, progress -> System.gc());
      assertEquals(64, image.width());
      System.gc();
    }
    assertEquals(64, model.generate(REQUEST).width());
  }

  @Test
  void tooLittleMemoryIsSaidWithTheLimit() {
    ModelOptions options = ModelOptions.builder().memoryLimitBytes(1000).build();
    String message =
        assertThrows(
                InsufficientMemoryException.class,
                () -> {
                  try (Blip3oModel small = Blip3oModel.open(TINY, options)) {
                    small.generate(REQUEST);
                  }
                })
            .getMessage();
    assertTrue(message.contains("too little memory") && message.contains("limit"), message);
  }

  @Test
  void aMissingDirectoryIsNamed(@TempDir Path directory) {
    Path missing = directory.resolve("größe-none");
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> Blip3oModel.open(missing));
    assertTrue(e.getMessage().contains(missing.toString()), e.getMessage());
    assertThrows(
        CheckpointException.class,
        () -> Blip3oModel.inspect(missing, ModelOptions.defaults(), false));
  }

  @Test
  void aMissingTokenizerIsNamed(@TempDir Path directory) throws IOException {
    copy(TINY, directory);
    Files.delete(directory.resolve("tokenizer.json"));
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> Blip3oModel.open(directory));
    assertTrue(e.getMessage().contains("tokenizer.json"), e.getMessage());
  }

  @Test
  void theDiffusionDirectoryCanBeGiven(@TempDir Path directory) throws IOException {
    copy(TINY, directory.resolve("model"));
    Path moved = Files.move(directory.resolve("model/diffusion"), directory.resolve("elsewhere"));
    assertThrows(CheckpointException.class, () -> Blip3oModel.open(directory.resolve("model")));
    ModelOptions options = ModelOptions.builder().diffusionDirectory(moved).build();
    try (Blip3oModel given = Blip3oModel.open(directory.resolve("model"), options)) {
      assertEquals(model.generate(REQUEST).pixels(), given.generate(REQUEST).pixels());
    }
  }

  @Test
  void inspectReportsJson() {
    String report = Blip3oModel.inspect(TINY, ModelOptions.defaults(), true);
    assertTrue(report.startsWith("{") && report.contains("\"parts\""), report);
  }

  static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path target = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
        }
      }
    }
  }

  private static void assertMessage(String message, Executable executable) {
    String found = assertThrows(InvalidRequestException.class, executable).getMessage();
    assertTrue(found.contains(message), found);
  }
}
