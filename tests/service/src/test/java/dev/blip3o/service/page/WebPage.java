package dev.blip3o.service.page;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import javax.imageio.ImageIO;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.support.ui.WebDriverWait;

/** The page in a browser, in the words of its user. */
final class WebPage implements AutoCloseable {
  /** Long enough for a busy machine: only a test that fails waits so long. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final Path SCREENSHOTS = Path.of("target", "screenshots");

  private final ChromeDriver browser;
  private String address;

  WebPage(int width, int height) {
    this.browser = Chromium.open(width, height);
    browser.manage().timeouts().scriptTimeout(PATIENCE);
  }

  ChromeDriver browser() {
    return browser;
  }

  /** Opens the page of a server as somebody does who was never there. */
  void openAsNew(int port) {
    address = "http://127.0.0.1:" + port + "/";
    browser.get(address + "healthz");
    browser.executeAsyncScript(
        """
        const done = arguments[arguments.length - 1];
        localStorage.clear();
        sessionStorage.clear();
        const request = indexedDB.deleteDatabase("blip3o");
        request.onsuccess = request.onerror = () => done();
        """);
    reload();
  }

  /** Opens it again, as somebody who comes back. */
  void reload() {
    browser.get(address);
    waitFor(() -> "true".equals(script("return document.documentElement.dataset.ready ?? ''")));
  }

  String address() {
    return address;
  }

  WebElement byId(String id) {
    return browser.findElement(By.id(id));
  }

  List<WebElement> all(String selector) {
    return browser.findElements(By.cssSelector(selector));
  }

  String text(String id) {
    return byId(id).getDomProperty("textContent");
  }

  void type(String id, String text) {
    WebElement field = byId(id);
    field.clear();
    field.sendKeys(text);
  }

  /** Types a seed and a number of steps, of which a test needs few. */
  void settings(String seed, int steps) {
    openSettings();
    type("seed", seed);
    type("steps", Integer.toString(steps));
  }

  void openSettings() {
    if (byId("settings").getDomAttribute("open") == null) {
      browser.findElement(By.cssSelector("#settings summary")).click();
    }
  }

  void click(String id) {
    byId(id).click();
  }

  /** Presses keys on what has the focus. */
  void press(CharSequence... keys) {
    new Actions(browser).sendKeys(keys).perform();
  }

  /** Presses a key while a modifier is held. */
  void pressWith(Keys modifier, Keys key) {
    new Actions(browser).keyDown(modifier).sendKeys(key).keyUp(modifier).perform();
  }

  /** Presses Tab until the element of that id has the focus. */
  void tabTo(String id) {
    for (int k = 0; k < 60; k++) {
      if (id.equals(browser.switchTo().activeElement().getDomProperty("id"))) {
        return;
      }
      press(Keys.TAB);
    }
    throw new AssertionError("60 presses of Tab don't reach #" + id);
  }

  /** Waits until so many pictures are finished. */
  void waitForPictures(int count) {
    waitFor(
        () -> {
          if (byId("error").isDisplayed()) {
            throw new AssertionError("the page shows an error: " + text("error-text"));
          }
          return all("#results .done img").size() == count && !byId("progress").isDisplayed();
        });
  }

  void waitFor(BooleanSupplier condition) {
    new WebDriverWait(browser, PATIENCE).until(driver -> condition.getAsBoolean());
  }

  Object script(String script, Object... arguments) {
    return browser.executeScript(script, arguments);
  }

  /** The pixels of a picture that the page shows, as {@code 0xAARRGGBB}, row by row. */
  int[] pixels(String selector) {
    Object base64 =
        script(
            """
            const image = document.querySelector(arguments[0]);
            const canvas = document.createElement("canvas");
            canvas.width = image.naturalWidth;
            canvas.height = image.naturalHeight;
            canvas.getContext("2d").drawImage(image, 0, 0);
            return canvas.toDataURL("image/png").split(",")[1];
            """,
            selector);
    try {
      return Pixels.of(
          ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode((String) base64))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Keeps what the window shows. */
  void screenshot(String name) {
    keep(name, browser.getScreenshotAs(OutputType.BYTES));
  }

  /** Keeps what the page looks like, beyond the window too. */
  void screenshotWhole(String name) {
    Map<String, Object> shot =
        browser.executeCdpCommand(
            "Page.captureScreenshot", Map.of("format", "png", "captureBeyondViewport", true));
    keep(name, Base64.getDecoder().decode((String) shot.get("data")));
  }

  private static void keep(String name, byte[] png) {
    try {
      Files.createDirectories(SCREENSHOTS);
      Files.write(SCREENSHOTS.resolve(name + ".png"), png);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * What the browser complained of since the last call: errors of scripts, refusals of policies.
   */
  List<String> complaints() {
    return browser.manage().logs().get(LogType.BROWSER).getAll().stream()
        .filter(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue())
        .map(LogEntry::getMessage)
        .toList();
  }

  @Override
  public void close() {
    browser.quit();
  }
}
