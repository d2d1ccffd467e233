package dev.blip3o.training.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.training.scenes.ScenePainter;
import dev.blip3o.training.scenes.SceneSampler;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportPageTest {
  private static final int PROMPTS = 8;

  @TempDir Path folder;

  private static ReportPage page() throws IOException {
    List<StepMetrics> steps =
        new ArrayList<>(IntStream.rangeClosed(1, 60).mapToObj(Steps::step).toList());
    steps.set(30, Steps.empty(31));
    SceneSampler sampler = new SceneSampler(3);
    List<String> prompts = new ArrayList<>();
    List<byte[]> pngs = new ArrayList<>();
    for (int i = 0; i < PROMPTS; i++) {
      SceneSampler.Sample sample = sampler.next();
      prompts.add(sample.text());
      ByteArrayOutputStream png = new ByteArrayOutputStream();
      ImageIO.write(ScenePainter.paint(sample.scene(), 128), "png", png);
      pngs.add(png.toByteArray());
    }
    prompts.set(0, "a <b>bold</b> \"sign\"");
    return new ReportPage(
        "demo & scenes",
        steps,
        prompts,
        List.of(
            new CheckpointPictures(0, pngs),
            new CheckpointPictures(30, pngs),
            new CheckpointPictures(60, pngs)));
  }

  @Test
  void thePageNeedsNothingElse() throws IOException {
    Path file = folder.resolve("report.html");
    page().write(file);
    String html = Files.readString(file);
    assertFalse(html.contains("<script"), "no scripts");
    assertFalse(html.contains("@import"), "no style from elsewhere");
    Matcher addresses = Pattern.compile("(?:src|href)=\"([^\"]{0,30})|url\\(").matcher(html);
    int pictures = 0;
    while (addresses.find()) {
      assertEquals("data:image/png;base64,", addresses.group(1).substring(0, 22));
      pictures++;
    }
    assertEquals(3 * PROMPTS, pictures);
    assertTrue(html.contains("prefers-color-scheme: dark"));
  }

  @Test
  void itShowsCurvesCountsAndCheckpoints() throws IOException {
    String html = page().html();
    for (String expected :
        List.of(
            "<h1>demo &amp; scenes</h1>",
            "60 steps, 7680 pictures; 126 groups skipped for want of spread, 12 dropped",
            "Reward",
            "KL from the starting model",
            "Clipped tokens",
            "Entropy",
            "Pictures a second",
            "rollouts",
            "<th>start</th><th>step 30</th><th>step 60</th>",
            "a &lt;b&gt;bold&lt;/b&gt; &quot;sign&quot;")) {
      assertTrue(html.contains(expected), expected);
    }
    assertEquals(9, html.split("<svg ", -1).length - 1);
    // What comes after is Base64.
    assertFalse(html.substring(0, html.indexOf("<h2>")).contains("NaN"));
  }

  @Test
  void aRunThatHasJustBegunHasAPageToo() {
    String html = new ReportPage("begun", List.of(), List.of(), List.of()).html();
    assertTrue(html.contains("No step has been taken yet."), html);
    assertFalse(html.contains("<svg"), html);
  }

  @Test
  void eachCheckpointHasEveryPrompt() {
    CheckpointPictures one = new CheckpointPictures(5, List.of(new byte[0]));
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> new ReportPage("", List.of(), List.of("a", "b"), List.of(one)));
    assertTrue(e.getMessage().contains("step 5"), e.getMessage());
  }
}
