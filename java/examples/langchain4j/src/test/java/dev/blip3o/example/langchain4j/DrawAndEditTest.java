package dev.blip3o.example.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.support.Repository;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The example, whole, with the demo checkpoint. */
@Timeout(120)
class DrawAndEditTest {
  private static final String MODEL = "--model=" + Repository.demo();

  @TempDir Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    CommandLine line = DrawAndEdit.commandLine();
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    return line.execute(arguments);
  }

  private String file(String name) {
    return folder.resolve(name).toString();
  }

  private BufferedImage picture(String name) throws IOException {
    return ImageIO.read(folder.resolve(name).toFile());
  }

  @Test
  void drawsAndEditsAnArea() throws IOException {
    int code =
        run(
            "a red circle",
            "--edit=make the red circle blue",
            "--area=0,0,100,128",
            "--seed=7",
            "--output=" + file("circle.png"),
            "--edited=" + file("blue.png"),
            MODEL);
    assertEquals("", err.toString());
    assertEquals(0, code);
    assertEquals(
        List.of(file("circle.png") + ": seed 7", file("blue.png") + ": seed 7"),
        out.toString().lines().toList());
    BufferedImage circle = picture("circle.png");
    BufferedImage blue = picture("blue.png");
    int changed = 0;
    for (int y = 0; y < 128; y++) {
      for (int x = 0; x < 128; x++) {
        boolean same = circle.getRGB(x, y) == blue.getRGB(x, y);
        assertTrue(same || x < 100, "the pixel " + x + "," + y + " is outside the area");
        changed += same ? 0 : 1;
      }
    }
    assertTrue(changed > 128, "only " + changed + " pixels changed");
  }

  @Test
  void editsEverywhereWithoutAnArea() throws IOException {
    String circle = "--output=" + file("circle.png");
    String blue = "--edited=" + file("blue.png");
    assertEquals(0, run("a red circle", "-e", "make the red circle blue", circle, blue, MODEL));
    assertEquals(128, picture("blue.png").getWidth());
    assertNotEquals(Files.mismatch(folder.resolve("circle.png"), folder.resolve("blue.png")), -1);
  }

  @Test
  void failuresAreOneSentence() {
    assertNotEquals(0, run("a red circle", "--model=" + folder, "--output=" + file("none.png")));
    assertEquals(1, err.toString().lines().count(), err.toString());
    assertTrue(err.toString().contains(folder.toString()), err.toString());
    assertTrue(Files.notExists(folder.resolve("none.png")));
  }

  @Test
  void anAreaIsFourNumbers() {
    assertEquals(CommandLine.ExitCode.USAGE, run("a red circle", "--area=1,2,3", MODEL));
    assertTrue(err.toString().contains("'1,2,3' is no area"), err.toString());
  }
}
