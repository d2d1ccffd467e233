package dev.blip3o.support;

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

/** Java as somebody pastes it: imports, then the statements of a method. */
public final class Snippet {
  private static final Predicate<String> IMPORT = line -> line.startsWith("import ");

  private Snippet() {}

  /**
   * Compiles it with the class path of the tests, and runs it on the calling thread.
   *
   * @param snippet lines that begin with {@code import}, anywhere, and statements
   * @param folder gets a folder with its classes
   * @throws AssertionError if it does not compile, with the compiler's messages, or fails
   */
  public static void run(String snippet, Path folder) throws Exception {
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
    if (!compiler.getTask(messages, null, null, options, null, List.of(file)).call()) {
      throw new AssertionError("the snippet does not compile:\n" + messages + "\n" + source);
    }
  }
}
