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
import org.openqa.selenium.By;

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
    page.waitFor(() -> demo.model().metrics().running() == 1);
    page.screenshot("drawing");
    page.click("cancel");

    page.waitFor(() -> "Cancelled.".equals(page.text("status")));
    page.waitFor(() -> demo.model().metrics().cancelled() == before + 1);
    assertFalse(page.byId("error").isDisplayed());
    assertTrue(page.byId("welcome").isDisplayed());
    assertTrue(page.byId("submit").isEnabled());
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

  private static String collectedImages() {
    return page.script("return window.seen.join('; ')").toString();
  }
}
