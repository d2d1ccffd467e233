package dev.blip3o.service.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.service.DemoServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.logging.LogType;

/**
 * What the page sends and gets: nothing but to its own server, with a key where one is asked for.
 */
class NetworkTest {
  private static final String KEY = "sk-only-for-this-test-0123456789abcdef";
  private static final Pattern REQUEST =
      Pattern.compile("\"Network\\.requestWillBeSent\".*?\"request\":\\{.*?\"url\":\"([^\"]*)\"");

  private static WebPage page;

  @BeforeAll
  static void open() {
    page = new WebPage(1000, 900);
  }

  @AfterAll
  static void close() {
    if (page != null) {
      page.close();
    }
  }

  @Test
  void nothingIsAskedOfOthers() {
    try (DemoServer demo = DemoServer.start()) {
      requests();
      page.openAsNew(demo.port());
      page.type("prompt", "a red circle");
      page.settings("7", 2);
      page.click("submit");
      page.waitForPictures(1);

      List<String> requests = requests();
      assertTrue(requests.contains(page.address() + "v1/images/generations"), requests::toString);
      assertEquals(
          List.of(),
          requests.stream()
              .filter(url -> !url.startsWith(page.address()))
              .filter(url -> !url.startsWith("blob:" + page.address()))
              .toList());
    }
  }

  @Test
  void aServerThatIsGoneIsAnError() {
    DemoServer demo = DemoServer.start();
    try (demo) {
      page.openAsNew(demo.port());
    }
    page.type("prompt", "a red circle");
    page.click("submit");
    page.waitFor(() -> page.byId("error").isDisplayed());
    assertEquals("No answer", page.text("error-title"));
    assertTrue(page.byId("submit").isEnabled());
  }

  @Test
  void aKeyIsAskedForAndLeavesWithTheTab(@TempDir Path folder) throws IOException {
    Path keys = Files.writeString(folder.resolve("keys.txt"), keysFile());
    Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rw-------"));
    try (DemoServer demo = DemoServer.start(options -> options.keysFile(keys))) {
      page.openAsNew(demo.port());
      page.type("prompt", "a red circle");
      page.settings("7", 2);
      page.click("submit");
      page.waitFor(() -> page.byId("error").isDisplayed());
      assertEquals("The server asks for a key", page.text("error-title"));
      page.waitFor(
          () -> "key".equals(page.browser().switchTo().activeElement().getDomProperty("id")));
      page.screenshot("key");

      page.type("key", KEY);
      page.click("submit");
      page.waitForPictures(1);
      Object kept = page.script("return JSON.stringify({ ...localStorage })");
      assertFalse(kept.toString().contains(KEY), "a key must not outlive the tab");
    }
  }

  private static String keysFile() {
    return "page " + KEY + "\n";
  }

  /** Addresses of the requests since the last call. */
  private static List<String> requests() {
    return page.browser().manage().logs().get(LogType.PERFORMANCE).getAll().stream()
        .map(entry -> REQUEST.matcher(entry.getMessage()))
        .filter(Matcher::find)
        .map(match -> match.group(1))
        .filter(url -> !url.startsWith("data:") && !url.startsWith("chrome"))
        .toList();
  }
}
