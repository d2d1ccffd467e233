package dev.blip3o.support;

import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
    compile("Pasted.java", source(snippet), classes);
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

  /**
   * Compiles a file as somebody pastes it, with the class path of the tests.
   *
   * @param name of the file, for example {@code Pictures.java}
   * @param source all of it
   * @param classes the folder that gets its classes
   * @param more options of the compiler
   * @throws AssertionError if it does not compile, with the compiler's messages
   */
  public static void compile(String name, String source, Path classes, String... more) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    JavaFileObject file =
        new SimpleJavaFileObject(URI.create("string:///" + name), JavaFileObject.Kind.SOURCE) {
          @Override
          public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return source;
          }
        };
    List<String> options = new ArrayList<>();
    options.addAll(List.of("-proc:none", "-classpath", classPath(), "-d", classes.toString()));
    options.addAll(List.of(more));
    if (!compiler.getTask(messages, null, null, options, null, List.of(file)).call()) {
      throw new AssertionError("the snippet does not compile:\n" + messages + "\n" + source);
    }
  }

  /** The class path of the tests, with colons between. */
  public static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }
}
