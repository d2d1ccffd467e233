package dev.blip3o.service.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.service.DemoServer;
import dev.blip3o.support.Repository;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.support.ui.Select;

/** The page for those who use no mouse, see little, or have a small screen. */
class AccessibilityTest {
  private static final String CONTROLS =
      "button, input, textarea, select, a[href], summary, canvas, dialog, progress";

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
    page.browser().manage().window().setSize(new Dimension(1280, 1000));
    page.openAsNew(demo.port());
  }

  @Test
  void keysAloneDrawOpenAndEdit() {
    page.tabTo("prompt");
    page.press("a red circle");
    page.pressWith(Keys.CONTROL, Keys.ENTER);
    page.waitForPictures(1);

    assertEquals("submit", focused());
    page.press(Keys.TAB);
    page.press(Keys.ENTER);
    page.waitFor(() -> page.byId("viewer").isDisplayed());
    page.press(Keys.ESCAPE);
    page.waitFor(() -> !page.byId("viewer").isDisplayed());
    page.press(Keys.ENTER);
    page.tabTo("viewer-edit");
    page.press(Keys.ENTER);
    page.waitFor(() -> page.byId("mask").isDisplayed());
    page.waitFor(() -> "prompt".equals(focused()));

    page.press("make the red circle blue");
    page.tabTo("mask-canvas");
    page.press(Keys.ARROW_LEFT, " ");
    page.pressWith(Keys.SHIFT, Keys.ARROW_UP);
    assertEquals(
        "Only what is painted may change. Brush at 47 % from the left, 47 % from the top.",
        page.text("mask-state"));
    page.screenshot("keyboard-mask");
    page.tabTo("submit");
    page.press(Keys.ENTER);
    page.waitForPictures(1);
    assertEquals(2, page.all("#gallery li").size());
  }

  @Test
  void escapeCancels() {
    page.type("prompt", "a red circle");
    page.settings("1", 1000);
    page.tabTo("submit");
    page.press(Keys.ENTER);
    page.waitFor(() -> "cancel".equals(focused()));
    page.press(Keys.ESCAPE);
    page.waitFor(() -> "Cancelled.".equals(page.text("status")));
    page.waitFor(() -> "submit".equals(focused()));
  }

  @Test
  void everythingHasAName() {
    page.openSettings();
    for (WebElement control : page.all(CONTROLS)) {
      if (control.isDisplayed()) {
        assertFalse(
            control.getAccessibleName().isBlank(),
            () -> "has no name: " + control.getDomProperty("outerHTML"));
      }
    }
    assertEquals(0, page.all("img:not([alt])").size());
    assertEquals(1, page.all("h1").size());
    assertEquals("en", page.script("return document.documentElement.lang"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"light", "dark"})
  void textIsLegible(String theme) {
    new Select(page.byId("theme")).selectByValue(theme);
    page.screenshot("welcome-" + theme);
    assertContrast("--text", "--panel", 7);
    assertContrast("--text", "--sunk", 7);
    assertContrast("--soft", "--panel", 4.5);
    assertContrast("--soft", "--sunk", 4.5);
    assertContrast("--soft", "--ground", 4.5);
    assertContrast("--on-accent", "--accent", 4.5);
    assertContrast("--on-accent", "--accent-2", 4.5);
    assertContrast("--bad", "--panel", 4.5);
    assertContrast("--bad", "--bad-ground", 4.5);
    assertContrast("--edge", "--panel", 3);
    assertContrast("--edge", "--sunk", 3);

    page.reload();
    assertEquals(
        theme, new Select(page.byId("theme")).getFirstSelectedOption().getDomProperty("value"));
  }

  @ParameterizedTest
  @ValueSource(ints = {320, 390, 820, 1600})
  void nothingSticksOutOfTheScreen(int width) {
    // A window of Chromium is at least 500 wide: the device's width is told to it.
    page.browser()
        .executeCdpCommand(
            "Emulation.setDeviceMetricsOverride",
            Map.of("width", width, "height", 900, "deviceScaleFactor", 1, "mobile", false));
    try {
      page.openSettings();
      page.type("prompt", "two green squares");
      page.settings("3", 2);
      page.type("count", "2");
      page.click("submit");
      page.waitForPictures(2);
      page.byId("file").sendKeys(Repository.root().resolve("docs/images/picture.png").toString());
      page.waitFor(() -> page.byId("mask").isDisplayed());
      page.screenshotWhole("width-" + width);
      assertNoSidewaysScrolling();
      page.all("#gallery button").get(0).click();
      page.screenshot("viewer-width-" + width);
      assertNoSidewaysScrolling();
    } finally {
      page.browser().executeCdpCommand("Emulation.clearDeviceMetricsOverride", Map.of());
    }
  }

  @ParameterizedTest
  @CsvSource({"390, dark", "1280, light"})
  void severalPicturesEachTellWhereTheyAre(int width, String theme) {
    new Select(page.byId("theme")).selectByValue(theme);
    page.browser()
        .executeCdpCommand(
            "Emulation.setDeviceMetricsOverride",
            Map.of("width", width, "height", 900, "deviceScaleFactor", 1, "mobile", false));
    try {
      page.type("prompt", "two green squares");
      page.settings("3", 1000);
      page.type("count", "3");
      page.click("submit");
      page.waitFor(() -> page.all("#results li[data-doing^='Step']").size() == 3);
      page.waitFor(() -> page.text("progress-stage").startsWith("Picture 1: Step "));
      page.screenshotWhole("drawing-" + width + "-" + theme);
      assertNoSidewaysScrolling();
      page.click("cancel");
      page.waitFor(() -> "Cancelled.".equals(page.text("status")));
    } finally {
      page.browser().executeCdpCommand("Emulation.clearDeviceMetricsOverride", Map.of());
    }
  }

  @Test
  void movesNothingForThoseWhoWantNoMotion() {
    page.browser()
        .executeCdpCommand(
            "Emulation.setEmulatedMedia",
            Map.of(
                "features", List.of(Map.of("name", "prefers-reduced-motion", "value", "reduce"))));
    assertEquals(
        "none",
        page.script(
            """
            const item = document.createElement("li");
            item.className = "coming";
            document.getElementById("results").append(item);
            return getComputedStyle(item).animationName;
            """));
    page.browser().executeCdpCommand("Emulation.setEmulatedMedia", Map.of());
  }

  private static String focused() {
    return page.browser().switchTo().activeElement().getDomProperty("id");
  }

  private static void assertNoSidewaysScrolling() {
    assertEquals(
        true,
        page.script(
            "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"));
  }

  private static void assertContrast(String text, String ground, double least) {
    double contrast = Contrast.of(color(text), color(ground));
    assertTrue(contrast >= least, () -> text + " on " + ground + ": " + contrast);
  }

  private static int color(String variable) {
    String hex =
        page.script(
                "return getComputedStyle(document.documentElement).getPropertyValue(arguments[0])",
                variable)
            .toString()
            .strip();
    return Integer.parseInt(hex.substring(1), 16);
  }
}
