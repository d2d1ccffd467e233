package dev.blip3o.service.page;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.GeneratedImage;
import dev.blip3o.ImageRequest;
import dev.blip3o.service.DemoServer;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.By;
import org.openqa.selenium.support.ui.Select;

/** Pictures from words: drawing, cancelling, errors, the gallery. */
class PageTest {
  private static final String PROMPT = "a red circle to the left of a blue square";
  private static final int STEPS = 6;

  private static WebPage page;
  private static DemoServer demo;

  @BeforeAll
  static void open() {
    page = new WebPage(1280, 1000);
    demo = DemoServer.start();
  }

  @AfterAll
  static void close() {
    if (page != null) {
      page.close();
    }
    if (demo != null) {
      demo.close();
    }
  }

  @BeforeEach
  void openAsNew() {
    page.openAsNew(demo.port());
    page.complaints();
  }

  @Test
  void drawsThePictureOfItsSeed() {
    collectImages();
    page.type("prompt", PROMPT);
    page.settings("7", STEPS);
    page.click("submit");
    page.waitForPictures(1);
    page.screenshot("drawn");

    GeneratedImage expected =
        demo.model().generate(ImageRequest.builder(PROMPT).seed(7).steps(STEPS).build());
    assertArrayEquals(Pixels.of(expected.toBufferedImage()), page.pixels("#results img"));
    assertTrue(collectedImages().contains("Preview 1"), "previews: " + collectedImages());
    assertEquals("The picture is done.", page.text("status"));
    assertEquals(List.of(), page.complaints());
  }

  @Test
  void drawsSeveralWithFollowingSeeds() {
    page.type("prompt", "two green squares");
    page.settings("9007199254740993", STEPS);
    page.type("count", "3");
    page.click("submit");
    page.waitForPictures(3);
    page.screenshot("drawn-three");

    ImageRequest second =
        ImageRequest.builder("two green squares").seed(9007199254740994L).steps(STEPS).build();
    assertArrayEquals(
        Pixels.of(demo.model().generate(second).toBufferedImage()),
        page.pixels("#results li:nth-child(2) img"));
    assertEquals(3, page.all("#gallery li").size());
  }

  @Test
  void drawsAgainWhatTheSettingsOfTheGallerySay() {
    page.type("prompt", PROMPT);
    page.settings("", STEPS);
    page.click("submit");
    page.waitForPictures(1);
    int[] first = page.pixels("#results img");

    page.all("#gallery button").get(0).click();
    page.click("viewer-reuse");
    page.click("submit");
    page.waitForPictures(1);
    assertArrayEquals(first, page.pixels("#results img"));
  }

  @Test
  void cancelStopsTheWork() {
    page.type("prompt", PROMPT);
    page.settings("1", 1000);
    long before = demo.model().metrics().cancelled();
    page.click("submit");
    page.waitFor(() -> page.text("progress-stage").matches("Step \\d+ of 1000"));
    assertEquals("progressbar", page.byId("progress-bar").getAriaRole());
    assertEquals("Progress", page.byId("progress-bar").getAccessibleName());
    page.screenshot("drawing");
    page.click("cancel");

    page.waitFor(() -> "Cancelled.".equals(page.text("status")));
    page.waitFor(() -> demo.model().metrics().cancelled() == before + 1);
    assertFalse(page.byId("error").isDisplayed());
    assertTrue(page.byId("welcome").isDisplayed());
    assertTrue(page.byId("submit").isEnabled());
  }

  @Test
  void theBarTellsStageTokensAndSteps() {
    collectProgress();
    page.type("prompt", PROMPT);
    page.settings("7", STEPS);
    page.click("submit");
    page.waitForPictures(1);

    List<?> told = (List<?>) page.script("return window.told");
    assertTrue(told.stream().anyMatch(text -> text.toString().startsWith("Token 64 of 64, ")));
    for (int step = 1; step <= STEPS; step++) {
      String start = "Step " + step + " of " + STEPS + ", ";
      assertTrue(told.stream().anyMatch(text -> text.toString().startsWith(start)), told::toString);
    }
    assertEquals("Done, 100 percent", told.get(told.size() - 1));
    List<Integer> percent =
        told.stream()
            .map(text -> Integer.valueOf(text.toString().split(" ")[percentAt(text)]))
            .toList();
    assertEquals(percent.stream().sorted().toList(), percent, "the bar never goes back");
  }

  /** Where the number of "Step 1 of 6, 47 percent" stands among its words. */
  private static int percentAt(Object text) {
    return text.toString().split(" ").length - 2;
  }

  @ParameterizedTest
  @ValueSource(strings = {"jpeg", "webp"})
  void aPictureComesInTheFormatThatWasChosen(String format) {
    page.type("prompt", PROMPT);
    page.settings("7", 2);
    assertFalse(page.byId("compression").isDisplayed(), "PNG has no quality");
    new Select(page.byId("format")).selectByValue(format);
    page.type("compression", "60");
    collectTypes();
    page.click("submit");
    page.waitForPictures(1);
    page.screenshot("format-" + format);
    assertEquals(
        List.of("image/" + format),
        page.script("return [...new Set(window.types)]"),
        "previews too");

    page.all("#gallery button").get(0).click();
    page.waitFor(() -> page.byId("viewer-image").isDisplayed());
    assertTrue(page.text("viewer-facts").contains("Format" + format + "Quality60"));
    assertTrue(page.byId("viewer-download").getDomAttribute("download").endsWith("." + format));
    page.click("viewer-reuse");
    assertEquals(format, page.byId("format").getDomProperty("value"));
    assertEquals("60", page.byId("compression").getDomProperty("value"));
    assertEquals(List.of(), page.complaints());
  }

  @Test
  void aQualityOutOfRangeIsShownWhereItIs() {
    page.type("prompt", PROMPT);
    page.openSettings();
    new Select(page.byId("format")).selectByValue("jpeg");
    page.type("compression", "101");
    page.click("submit");
    assertEquals("A whole number from 0 to 100.", page.text("compression-problem"));
    assertEquals("compression", page.browser().switchTo().activeElement().getDomProperty("id"));
  }

  @Test
  void theModelSaysWhatItDoesAndWhatIsOffered() {
    page.openSettings();
    assertEquals("demo · 128 × 128", page.text("model"));
    int steps = demo.model().info().defaultSteps();
    assertEquals("model: " + steps, page.byId("steps").getDomAttribute("placeholder"));
    Object offered =
        page.browser()
            .executeAsyncScript(
                """
                const done = arguments[arguments.length - 1];
                import("./settings.js").then(({ Settings }) => {
                  new Settings(document.getElementById("form")).describe({ output_formats: ["png", "jpeg"] });
                  const options = [...document.getElementById("format").options];
                  done(options.filter((option) => !option.disabled).map((option) => option.value).join(" "));
                });
                """);
    assertEquals("png jpeg", offered);
  }

  @Test
  void aBadSettingIsShownWhereItIs() {
    page.type("prompt", PROMPT);
    page.settings("seven", 0);
    page.click("submit");

    assertEquals("true", page.byId("seed").getDomAttribute("aria-invalid"));
    assertTrue(page.byId("seed-problem").isDisplayed());
    assertEquals("A whole number from 1 to 1000.", page.text("steps-problem"));
    assertEquals("seed", page.browser().switchTo().activeElement().getDomProperty("id"));
    page.screenshot("bad-setting");
  }

  @Test
  void anErrorOfTheServerIsShown() {
    page.type("prompt", PROMPT);
    page.script("document.getElementById('temperature').max = '1e99'");
    page.openSettings();
    page.type("temperature", "1e60");
    page.click("submit");

    page.waitFor(() -> page.byId("error").isDisplayed());
    page.screenshot("error");
    assertEquals("The server refuses this", page.text("error-title"));
    assertTrue(page.text("error-text").contains("temperature"), page.text("error-text"));
    assertEquals("error", page.browser().switchTo().activeElement().getDomProperty("id"));
    page.click("error-close");
    assertFalse(page.byId("error").isDisplayed());
  }

  @Test
  void theGallerySurvivesAReload() {
    page.type("prompt", PROMPT);
    page.settings("7", STEPS);
    page.click("submit");
    page.waitForPictures(1);
    int[] drawn = page.pixels("#results img");

    page.reload();
    assertEquals("1", page.text("gallery-count"));
    page.all("#gallery button").get(0).click();
    page.waitFor(() -> page.byId("viewer-image").isDisplayed());
    page.screenshot("viewer");
    assertArrayEquals(drawn, page.pixels("#viewer-image"));
    assertTrue(page.text("viewer-facts").startsWith("Seed7"), page.text("viewer-facts"));
    assertEquals(
        "a-red-circle-to-the-left-of-a-blue-square-7.png",
        page.byId("viewer-download").getDomAttribute("download"));
    page.click("viewer-close");

    page.click("gallery-clear");
    page.byId("confirm").findElement(By.cssSelector(".danger")).click();
    page.waitFor(() -> page.all("#gallery li").isEmpty());
    page.reload();
    assertEquals(0, page.all("#gallery li").size());
  }

  @Test
  void aPictureOfTheGalleryCanBeDeleted() {
    page.type("prompt", "two green squares");
    page.settings("3", 2);
    page.type("count", "2");
    page.click("submit");
    page.waitForPictures(2);
    page.all("#gallery button").get(0).click();
    page.click("viewer-delete");
    page.waitFor(() -> page.all("#gallery li").size() == 1);
    page.reload();
    assertEquals("1", page.text("gallery-count"));
  }

  /** From now on the page keeps the descriptions of all images that appear among the results. */
  private static void collectImages() {
    page.script(
        """
        window.seen = [];
        new MutationObserver((changes) => {
          for (const change of changes) {
            change.addedNodes.forEach((node) => window.seen.push(node.alt ?? ""));
          }
        }).observe(document.getElementById("results"), { childList: true, subtree: true });
        """);
  }

  /** From now on the page keeps what the bar tells to those who can't see it. */
  private static void collectProgress() {
    page.script(
        """
        window.told = [];
        const bar = document.getElementById("progress-bar");
        new MutationObserver(() => window.told.push(bar.getAttribute("aria-valuetext")))
          .observe(bar, { attributes: true, attributeFilter: ["aria-valuetext"] });
        """);
  }

  /** From now on the page keeps the types of the files that it shows. */
  private static void collectTypes() {
    page.script(
        """
        window.types = [];
        const show = URL.createObjectURL;
        URL.createObjectURL = (blob) => {
          window.types.push(blob.type);
          return show.call(URL, blob);
        };
        """);
  }

  private static String collectedImages() {
    return page.script("return window.seen.join('; ')").toString();
  }
}
