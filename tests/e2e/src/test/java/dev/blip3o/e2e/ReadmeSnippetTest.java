package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The README's Java, compiled and run as it stands there.
 *
 * <p>The block after {@code <!-- snippet:generate -->} is a method's body, with imports before it
 * if it has any; {@code dev.blip3o.*} and {@code Path} are imported anyway. The only change is that
 * its relative paths are made absolute.
 */
class ReadmeSnippetTest {
  private static final Path ROOT = Path.of(System.getProperty("blip3o.root")).normalize();
  private static final Pattern SNIPPET =
      Pattern.compile("<!-- snippet:generate -->\\s*```java\\n(.*?)```", Pattern.DOTALL);
  private static final int MAX_STATEMENT_LINES = 8;

  @TempDir Path directory;

  @Test
  void theSnippetDrawsAPicture() throws Exception {
    String snippet = snippet();
    Path picture = directory.resolve("picture.png");
    run(
        snippet
            .replace("Path.of(\"weights/", "Path.of(\"" + ROOT + "/weights/")
            .replace("Path.of(\"picture.png\"", "Path.of(\"" + picture + "\""));
    BufferedImage image = ImageIO.read(picture.toFile());
    assertEquals(128, image.getWidth());
    assertEquals(128, image.getHeight());
    long colours =
        Stream.iterate(0, i -> i < 128 * 128, i -> i + 1)
            .map(i -> image.getRGB(i % 128, i / 128))
            .distinct()
            .count();
    assertTrue(colours > 10, "a picture of " + colours + " colours");
  }

  @Test
  void theSnippetIsShort() throws IOException {
    long lines =
        snippet().lines().filter(line -> !line.isBlank() && !line.startsWith("import ")).count();
    assertTrue(lines <= MAX_STATEMENT_LINES, "the README promises about five lines, not " + lines);
  }

  private static String snippet() throws IOException {
    Matcher matcher = SNIPPET.matcher(Files.readString(ROOT.resolve("README.md")));
    assertTrue(matcher.find(), "README.md has no java block after <!-- snippet:generate -->");
    return matcher.group(1);
  }

  private void run(String snippet) throws Exception {
    compile(source(snippet));
    URL[] urls = {directory.toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(urls, getClass().getClassLoader())) {
      loader.loadClass("Snippet").getMethod("run").invoke(null);
    } catch (InvocationTargetException e) {
      throw new AssertionError("the snippet failed: " + e.getCause(), e.getCause());
    }
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

  private void compile(String source) {
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
            directory.toString());
    boolean compiled = compiler.getTask(messages, null, null, options, null, List.of(file)).call();
    assertTrue(compiled, "the snippet does not compile:\n" + messages + "\n" + source);
  }
}
