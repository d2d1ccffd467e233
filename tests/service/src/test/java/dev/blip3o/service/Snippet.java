package dev.blip3o.service;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Java of the README, compiled and run: imports, then the statements of a method. */
final class Snippet {
  private static final Predicate<String> IMPORT = line -> line.startsWith("import ");

  private Snippet() {}

  /** Runs it; its classes go into a folder inside the given one. */
  static void run(String snippet, Path folder) throws Exception {
    Path classes = Files.createTempDirectory(folder, "classes");
    compile(source(snippet), classes);
    URL[] urls = {classes.toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(urls, Snippet.class.getClassLoader())) {
      loader.loadClass("Pasted").getMethod("run").invoke(null);
    } catch (InvocationTargetException e) {
      throw new AssertionError("the snippet failed: " + e.getCause(), e.getCause());
    }
  }

  private static String source(String snippet) {
    String imports = snippet.lines().filter(IMPORT).collect(Collectors.joining("\n"));
    String body = snippet.lines().filter(IMPORT.negate()).collect(Collectors.joining("\n"));
    return imports
        + "\npublic class Pasted {\n  public static void run() throws Exception {\n"
        + body
        + "\n  }\n}\n";
  }

  private static void compile(String source, Path classes) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    JavaFileObject file =
        new SimpleJavaFileObject(URI.create("string:///Pasted.java"), JavaFileObject.Kind.SOURCE) {
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
