package dev.blip3o.training.rewards;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.blip3o.training.prompts.TrainingPrompt;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OcrRewardTest {
  private static final Path ENGLISH =
      Path.of("/usr/share/tesseract-ocr/5/tessdata/eng.traineddata");

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "OPEN, OPEN, 1",
    "OPEN, we are o p e n today, 1",
    "OPEN, '', 0",
    "OPEN, OPFN, 0.75",
    "OPEN, OPN, 0.75",
    "OPEN, SOMETHING ELSE ALTOGETHER, 0",
    "Grüße, grüsse, 0.6"
  })
  void scoresAreWhatIsLeftOfTheWantedText(String wanted, String read, double score) {
    assertEquals(score, OcrReward.score(wanted, read), 1e-12);
  }

  @ParameterizedTest
  @CsvSource({"'', '', 0", "abc, '', 3", "kitten, sitting, 3", "flaw, lawn, 2", "ab, ba, 2"})
  void editDistances(String from, String to, int distance) {
    assertEquals(distance, EditDistance.of(from, to));
    assertEquals(distance, EditDistance.of(to, from));
  }

  @Test
  void theWantedTextIsTheFieldOrWhatStandsInQuotes() {
    assertEquals(Optional.of("OPEN"), WantedText.of(TrainingPrompt.of("a sign \"OPEN\", \"no\"")));
    assertEquals(Optional.of("OPEN"), WantedText.of(TrainingPrompt.of("a sign \u201COPEN\u201D")));
    assertEquals(
        Optional.of("SHUT"),
        WantedText.of(new TrainingPrompt("a sign \"OPEN\"", Map.of("text", "SHUT"))));
    assertEquals(Optional.empty(), WantedText.of(TrainingPrompt.of("a sign \" \"")));
  }

  @Test
  void aPromptWithoutWantedTextIsRefused() {
    try (OcrReward reward = new OcrReward(picture -> "")) {
      RewardContractException e =
          assertThrows(
              RewardContractException.class,
              () -> reward.checkPrompt(TrainingPrompt.of("a red circle")));
      assertTrue(e.getMessage().contains("a red circle"), e.getMessage());
    }
  }

  @Test
  void missingLanguageDataSaysWhatToInstall() {
    RewardContractException e =
        assertThrows(
            RewardContractException.class, () -> TesseractReader.open(folder, "eng").close());
    assertTrue(e.getMessage().contains("apt-get install tesseract-ocr-eng"), e.getMessage());
    assertTrue(e.getMessage().contains(folder.resolve("eng.traineddata").toString()));
    e =
        assertThrows(
            RewardContractException.class, () -> TesseractReader.open("no-language").close());
    assertTrue(e.getMessage().contains("tesseract-ocr-no-language"), e.getMessage());
  }

  /** As in a program that has the library's jars not on its class path. */
  @Test
  void withoutTheLibraryTheErrorNamesIt() throws Exception {
    Files.createFile(folder.resolve("eng.traineddata"));
    List<URL> others = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (!entry.contains("tesseract") && !entry.contains("leptonica")) {
        others.add(Path.of(entry).toUri().toURL());
      }
    }
    try (URLClassLoader loader =
        new URLClassLoader(others.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
      Method open =
          loader
              .loadClass(TesseractReader.class.getName())
              .getMethod("open", Path.class, String.class);
      InvocationTargetException e =
          assertThrows(InvocationTargetException.class, () -> open.invoke(null, folder, "eng"));
      assertEquals("RewardContractException", e.getCause().getClass().getSimpleName());
      assertTrue(
          e.getCause().getMessage().contains("org.bytedeco:tesseract"), e.getCause().toString());
    }
  }

  @Test
  void tesseractReadsAPicture() throws Exception {
    assumeTrue(Files.exists(ENGLISH), "tesseract-ocr-eng is not installed");
    BufferedImage sign = picture("sign.png");
    List<RewardInput> batch =
        List.of(
            new RewardInput(TrainingPrompt.of("a sign that says \"OPEN TODAY\""), sign),
            new RewardInput(TrainingPrompt.of("a sign that says \"OPEN TODAX\""), sign),
            new RewardInput(
                TrainingPrompt.of("a sign that says \"OPEN\""),
                Inputs.plain("", 0xFFFFFF).picture()));
    try (OcrReward reward = new OcrReward(TesseractReader.open("eng"))) {
      assertArrayEquals(new double[] {1, 1 - 1.0 / 9, 0}, Inputs.await(reward.score(batch)), 1e-12);
    }
  }

  @Test
  void aClosedReaderIsOfNoUse() throws Exception {
    assumeTrue(Files.exists(ENGLISH), "tesseract-ocr-eng is not installed");
    BufferedImage sign = picture("sign.png");
    TesseractReader reader = TesseractReader.open("eng");
    reader.close();
    reader.close();
    assertThrows(RewardException.class, () -> reader.read(sign));
  }

  private static BufferedImage picture(String name) throws IOException {
    try (InputStream stream = OcrRewardTest.class.getResourceAsStream(name)) {
      return ImageIO.read(stream);
    }
  }
}
