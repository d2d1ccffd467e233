package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.EditRequest;
import dev.blip3o.GeneratedImage;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.blip3o.support.Readme;
import dev.blip3o.support.Repository;
import dev.blip3o.support.Snippet;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The README's Java, compiled and run as it stands there.
 *
 * <p>The block after {@code <!-- snippet:NAME -->} is a method's body, with imports before it if it
 * has any; {@code dev.blip3o.*} and {@code Path} are imported anyway. The only change is that its
 * relative paths are made absolute: those of the weights, and those of pictures, which lie in a
 * folder of the test.
 */
class ReadmeSnippetTest {
  private static final String IMPORTS = "import dev.blip3o.*;\nimport java.nio.file.Path;\n";
  private static final int SIDE = 128;
  private static final int MAX_STATEMENT_LINES = 8;

  @TempDir Path directory;

  @Test
  void theSnippetsDrawAPictureAndEditIt() throws Exception {
    run(snippet("generate"));
    BufferedImage picture = picture("picture.png");
    run(snippet("edit"));
    BufferedImage edited = picture("edited.png");
    long changed = pixels().filter(i -> rgb(picture, i) != rgb(edited, i)).count();
    assertTrue(changed > SIDE, "only " + changed + " pixels were edited");
  }

  @Test
  @Timeout(60)
  void theServiceHearsOfItsPicture() throws Exception {
    PrintStream out = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      run(snippet("service"));
      // The subscriber runs on a thread of its own, and may hear the end after the future.
      while (!printed.toString(StandardCharsets.UTF_8).contains("Finished[")) {
        Thread.sleep(5);
      }
    } finally {
      System.setOut(out);
    }
    picture("service.png");
    List<String> lines = printed.toString(StandardCharsets.UTF_8).lines().toList();
    for (String event :
        List.of("Queued[", "Started[", "Progressed[", "Preview[", "Finished[", "ModelMetrics[")) {
      assertTrue(lines.stream().anyMatch(line -> line.startsWith(event)), lines.toString());
    }
  }

  private BufferedImage picture(String name) throws IOException {
    BufferedImage image = ImageIO.read(directory.resolve(name).toFile());
    assertEquals(SIDE, image.getWidth());
    assertEquals(SIDE, image.getHeight());
    long colours = pixels().map(i -> rgb(image, i)).distinct().count();
    assertTrue(colours > 10, name + " is a picture of " + colours + " colours");
    return image;
  }

  @Test
  void langChain4jEditsTheLibrarysPicture() throws Exception {
    run(snippet("langchain4j"));
    try (Blip3oModel model = Blip3oModel.open(Repository.demo())) {
      GeneratedImage circle = model.generate(ImageRequest.builder("a red circle").seed(7).build());
      EditRequest edit =
          EditRequest.builder("make the red circle blue", InputImage.of(circle.pixels()))
              .seed(7)
              .build();
      assertArrayEquals(
          model.edit(edit).png(), Files.readAllBytes(directory.resolve("langchain4j.png")));
    }
  }

  @Test
  void springAiDrawsTheLibrarysPicture() throws Exception {
    run(snippet("spring"));
    try (Blip3oModel model = Blip3oModel.open(Repository.demo())) {
      assertArrayEquals(
          model.generate(ImageRequest.builder("a red circle").seed(7).build()).png(),
          Files.readAllBytes(directory.resolve("spring.png")));
    }
  }

  private static IntStream pixels() {
    return IntStream.range(0, SIDE * SIDE);
  }

  private static int rgb(BufferedImage image, int pixel) {
    return image.getRGB(pixel % SIDE, pixel / SIDE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"generate", "edit", "langchain4j"})
  void theSnippetsAreShort(String name) throws IOException {
    long lines =
        snippet(name)
            .lines()
            .filter(line -> !line.isBlank() && !line.startsWith("import "))
            .count();
    assertTrue(lines <= MAX_STATEMENT_LINES, "about five lines, not " + lines);
  }

  private static String snippet(String name) throws IOException {
    return Readme.block(name, "java");
  }

  private void run(String snippet) throws Exception {
    Snippet.run(IMPORTS + absolute(snippet), directory);
  }

  private String absolute(String snippet) {
    return snippet
        .replace("Path.of(\"weights/", "Path.of(\"" + Repository.root() + "/weights/")
        .replaceAll("Path\\.of\\(\"(\\w+\\.png)\"", "Path.of(\"" + directory + "/$1\"");
  }
}
