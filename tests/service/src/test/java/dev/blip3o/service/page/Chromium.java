package dev.blip3o.service.page;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogType;

/**
 * Opens headless Chromium. Where it is not installed, tests are skipped and say so; with {@code
 * -Dblip3o.browser.required} they fail instead.
 */
final class Chromium {
  private static final String INSTRUCTION =
      "The page's tests need Chromium and its driver: apt-get install -y chromium chromium-driver";

  private Chromium() {}

  /** A window of that size, in pixels, that logs its console and every request. */
  static ChromeDriver open(int width, int height) {
    Optional<File> browser = inPath("chromium");
    Optional<File> driver = inPath("chromedriver");
    if (browser.isEmpty() || driver.isEmpty()) {
      if (System.getProperty("blip3o.browser.required") != null) {
        Assertions.fail(INSTRUCTION);
      }
      // Surefire is silent about a class that ends before its first test.
      System.err.println("[WARNING] Skipped. " + INSTRUCTION);
      Assumptions.abort(INSTRUCTION);
    }
    ChromeDriverService service =
        new ChromeDriverService.Builder().usingDriverExecutable(driver.get()).build();
    return new ChromeDriver(service, options(browser.get(), width, height));
  }

  private static ChromeOptions options(File browser, int width, int height) {
    ChromeOptions options = new ChromeOptions();
    options.setBinary(browser);
    options.addArguments(
        "--headless=new",
        "--window-size=" + width + "," + height,
        "--lang=en",
        "--no-first-run",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update");
    if ("root".equals(System.getProperty("user.name"))) {
      // Chromium refuses to start a sandbox for root, who is who runs tests in containers.
      options.addArguments("--no-sandbox");
    }
    options.setCapability(
        "goog:loggingPrefs", Map.of(LogType.BROWSER, "ALL", LogType.PERFORMANCE, "ALL"));
    return options;
  }

  private static Optional<File> inPath(String name) {
    return Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
        .map(folder -> Path.of(folder, name))
        .filter(Files::isExecutable)
        .map(Path::toFile)
        .findFirst();
  }
}
