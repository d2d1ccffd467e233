package dev.blip3o.service.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.service.DemoServer;
import dev.blip3o.support.Repository;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.interactions.Actions;

/** Pictures from pictures: dropped or chosen, with a painted mask. */
class EditingTest {
  private static final Path PICTURE = Repository.root().resolve("docs/images/picture.png");
  private static final int SIDE = 128;

  private static WebPage page;
  private static DemoServer demo;

  @BeforeAll
  static void open() {
    page = new WebPage(1280, 1300);
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
  void onlyWhatIsPaintedChanges() throws IOException {
    choosePicture();
    paintLeftHalf();
    page.screenshot("mask");
    assertEquals("Only what is painted may change.", page.text("mask-state"));

    page.type("prompt", "make the red circle green");
    page.settings("3", 8);
    page.click("submit");
    page.waitForPictures(1);
    page.screenshot("edited");

    int[] before = Pixels.of(ImageIO.read(PICTURE.toFile()));
    int[] after = page.pixels("#results img");
    assertEquals(before.length, after.length);
    assertEquals(0, differences(before, after, SIDE * 5 / 8, SIDE));
    assertTrue(differences(before, after, 0, SIDE / 2) > 0, "what is painted stays the same");
    assertEquals(List.of(), page.complaints());
  }

  @Test
  void aStrokeCanBeTakenBackAndErased() {
    choosePicture();
    paintLeftHalf();
    page.click("mask-undo");
    assertEquals("Everything may change.", page.text("mask-state"));

    paintLeftHalf();
    page.click("brush-erase");
    page.script(
        "const size = document.getElementById('brush-size'); size.value = 60;"
            + " size.dispatchEvent(new Event('input'))");
    paintLeftHalf();
    assertEquals("Everything may change.", page.text("mask-state"));
  }

  @Test
  void aDroppedPictureIsTaken() {
    drop("image/png", "picture.png");
    page.waitFor(() -> page.byId("mask").isDisplayed());
    assertEquals("Edit", page.text("submit"));

    drop("text/plain", "words.txt");
    page.waitFor(() -> page.byId("file-problem").isDisplayed());
    assertEquals("words.txt is no picture that this browser can read.", page.text("file-problem"));

    page.all("#references button").get(0).click();
    assertFalse(page.byId("mask").isDisplayed());
    assertEquals("Draw", page.text("submit"));
  }

  @Test
  void aPictureOfTheGalleryIsEdited() {
    page.type("prompt", "a red circle");
    page.settings("7", 4);
    page.click("submit");
    page.waitForPictures(1);
    page.all("#gallery button").get(0).click();
    page.click("viewer-edit");
    page.waitFor(() -> page.byId("mask").isDisplayed());
    page.type("prompt", "make the red circle blue");
    page.click("submit");
    page.waitForPictures(1);
    assertEquals(2, page.all("#gallery li").size());
  }

  private static void choosePicture() {
    page.byId("file").sendKeys(PICTURE.toString());
    page.waitFor(() -> page.byId("mask").isDisplayed());
  }

  /**
   * Down and up through the left quarter, with the brush as wide as half of the picture at most.
   */
  private static void paintLeftHalf() {
    WebElement canvas = page.byId("mask-canvas");
    Dimension size = canvas.getSize();
    int quarter = size.getWidth() / 4;
    int reach = size.getHeight() / 2 - 8;
    page.script("arguments[0].scrollIntoView({block: 'center'})", canvas);
    new Actions(page.browser())
        .moveToElement(canvas, -quarter, -reach)
        .clickAndHold()
        .moveToElement(canvas, -quarter, 0)
        .moveToElement(canvas, -quarter, reach)
        .release()
        .perform();
  }

  /** A drop as the page gets it from a file manager; the picture is one drawn here. */
  private static void drop(String type, String name) {
    page.browser()
        .executeAsyncScript(
            """
            const [type, name, done] = arguments;
            const canvas = new OffscreenCanvas(40, 30);
            canvas.getContext("2d").fillRect(5, 5, 20, 20);
            canvas.convertToBlob().then((blob) => {
              const files = new DataTransfer();
              files.items.add(new File([type === "image/png" ? blob : "words"], name, { type }));
              document.getElementById("drop").dispatchEvent(
                new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
              done();
            });
            """,
            type,
            name);
  }

  private static int differences(int[] before, int[] after, int left, int right) {
    int count = 0;
    for (int y = 0; y < SIDE; y++) {
      for (int x = left; x < right; x++) {
        count += before[y * SIDE + x] == after[y * SIDE + x] ? 0 : 1;
      }
    }
    return count;
  }
}
