package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.ImageRequest;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
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
  private static final Path ROOT = Path.of(System.getProperty("blip3o.root")).normalize();
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
  void springAiDrawsTheLibrarysPicture() throws Exception {
    run(snippet("spring"));
    try (Blip3oModel model = Blip3oModel.open(ROOT.resolve("weights/demo"))) {
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
  @ValueSource(strings = {"generate", "edit"})
  void theSnippetsAreShort(String name) throws IOException {
    long lines =
        snippet(name)
            .lines()
            .filter(line -> !line.isBlank() && !line.startsWith("import "))
            .count();
    assertTrue(lines <= MAX_STATEMENT_LINES, "about five lines, not " + lines);
  }

  private static String snippet(String name) throws IOException {
    Pattern pattern =
        Pattern.compile("<!-- snippet:" + name + " -->\\s*```java\\n(.*?)```", Pattern.DOTALL);
    Matcher matcher = pattern.matcher(Files.readString(ROOT.resolve("README.md")));
    assertTrue(matcher.find(), "README.md has no java block after <!-- snippet:" + name + " -->");
    return matcher.group(1);
  }

  private void run(String snippet) throws Exception {
    Path classes = Files.createTempDirectory(directory, "classes");
    compile(source(absolute(snippet)), classes);
    URL[] urls = {classes.toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(urls, getClass().getClassLoader())) {
      loader.loadClass("Snippet").getMethod("run").invoke(null);
    } catch (InvocationTargetException e) {
      throw new AssertionError("the snippet failed: " + e.getCause(), e.getCause());
    }
  }

  private String absolute(String snippet) {
    return snippet
        .replace("Path.of(\"weights/", "Path.of(\"" + ROOT + "/weights/")
        .replaceAll("Path\\.of\\(\"(\\w+\\.png)\"", "Path.of(\"" + directory + "/$1\"");
  }

  private static String source(String snippet) {
    String imports =
        snippet
            .lines()
            .filter(line -> line.startsWith("import "))
            .collect(Collectors.joining("\n"));
    String body =
        snippet
            .lines()
            .filter(line -> !line.startsWith("import "))
            .collect(Collectors.joining("\n"));
    return "import dev.blip3o.*;\nimport java.nio.file.Path;\n"
        + imports
        + "\npublic class Snippet {\n  public static void run() throws Exception {\n"
        + body
        + "\n  }\n}\n";
  }

  private static void compile(String source, Path classes) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    JavaFileObject file =
        new SimpleJavaFileObject(URI.create("string:///Snippet.java"), JavaFileObject.Kind.SOURCE) {
          @Override
          public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return source;
          }
        };
    List<String> options =
        List.of(
            "-proc:none",
            "-classpath",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            "-d",
            classes.toString());
    boolean compiled = compiler.getTask(messages, null, null, options, null, List.of(file)).call();
    assertTrue(compiled, "the snippet does not compile:\n" + messages + "\n" + source);
  }
}
