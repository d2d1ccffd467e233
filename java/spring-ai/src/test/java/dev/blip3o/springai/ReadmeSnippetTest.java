package dev.blip3o.springai;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.ImageRequest;
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
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The README's Java for Spring AI, compiled and run as it stands there; only its relative paths are
 * made absolute.
 */
@Timeout(120)
class ReadmeSnippetTest {
  private static final Path ROOT = Path.of(System.getProperty("blip3o.root")).normalize();

  @TempDir Path directory;

  @Test
  void theSnippetWritesTheLibrarysPicture() throws Exception {
    run(snippet("spring"));
    try (Blip3oModel model = Blip3oModel.open(ROOT.resolve("weights/demo"))) {
      assertArrayEquals(
          model.generate(ImageRequest.builder("a red circle").seed(7).build()).png(),
          Files.readAllBytes(directory.resolve("spring.png")));
    }
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
