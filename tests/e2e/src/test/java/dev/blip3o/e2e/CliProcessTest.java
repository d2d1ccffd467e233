package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.blip3o.support.Repository;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command as a process of its own: exit codes, start-up, signals, what it leaves behind. */
@Timeout(120)
class CliProcessTest {
  private static final Pattern FIRST_TOKEN = Pattern.compile("first token (\\d+\\.\\d+) s");

  private static final Pattern LIBTORCH =
      Pattern.compile(" (org\\.bytedeco\\.(pytorch|openblas)|dev\\.blip3o\\.torch)\\.");

  @TempDir Path folder;

  /** A process of this JVM's class path, with the launcher's JVM options that matter here. */
  private static Process start(String... words) throws IOException {
    return start(List.of(), words);
  }

  private static Process start(List<String> options, String... words) throws IOException {
    // A shell's background job ignores interrupts, and what it starts would inherit that.
    List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
    command.addAll(java());
    command.addAll(command.size() - 1, options);
    command.addAll(List.of(words));
    return new ProcessBuilder(command).start();
  }

  private static List<String> java() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx512m"));
    String cache = System.getProperty("org.bytedeco.javacpp.cachedir");
    if (cache != null) {
      command.add("-Dorg.bytedeco.javacpp.cachedir=" + cache);
    }
    command.add("-Dblip3o.root=" + Repository.root());
    command.addAll(List.of("-cp", String.join(":", classPath()), "dev.blip3o.cli.Main"));
    return command;
  }

  private static List<String> classPath() {
    return List.of(System.getProperty("java.class.path").split(":"));
  }

  private static Command run(String... words) throws IOException, InterruptedException {
    return run(List.of(), words);
  }

  private static Command run(List<String> options, String... words)
      throws IOException, InterruptedException {
    Process process = start(options, words);
    String out = text(process.getInputStream());
    String err = text(process.getErrorStream());
    return new Command(process.waitFor(), out, err);
  }

  private static String text(InputStream stream) throws IOException {
    return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
  }

  private long files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.count();
    }
  }

  @Test
  void exitCodesReachTheShell() throws IOException, InterruptedException {
    String output = folder.resolve("a.png").toString();
    assertEquals(0, run("--version").code());
    assertEquals(2, run("generate").code());
    assertEquals(1, run("generate", "a cross", "--model", "nowhere", "-o", output).code());
  }

  @Test
  void nothingButTheCommandsOwnLinesIsPrinted() throws IOException, InterruptedException {
    String output = folder.resolve("a.png").toString();
    Command command = run("generate", "a red circle", "--steps=1", "-o", output);
    assertEquals(0, command.code(), command.err());
    assertEquals(4, command.err().lines().count(), command.err());
    assertEquals(4, command.out().lines().count(), command.out());
    assertEquals(new Command(0, "", ""), run("generate", "a", "--steps=1", "-q", "-o", output));
  }

  /** Also where its classes could be found, as they can here. */
  @Test
  void picturesDoWithoutLibTorch() throws IOException, InterruptedException {
    assertTrue(classPath().stream().anyMatch(entry -> entry.contains("/pytorch-")), "it is there");
    String picture = folder.resolve("a.png").toString();
    String edited = folder.resolve("b.png").toString();
    assertNoLibTorch("generate", "a cross", "--steps=1", "-o", picture);
    assertNoLibTorch("edit", "make it red", "--steps=1", "-i", picture, "-o", edited);
  }

  private void assertNoLibTorch(String... words) throws IOException, InterruptedException {
    Path log = folder.resolve(words[0] + ".log");
    Command command = run(List.of("-Xlog:class+load:file=" + log), words);
    assertEquals(0, command.code(), command.err());
    List<String> classes = Files.readAllLines(log);
    assertTrue(classes.stream().anyMatch(line -> line.contains(" org.bytedeco.javacpp.Loader ")));
    assertEquals(List.of(), classes.stream().filter(LIBTORCH.asPredicate()).toList());
  }

  @Test
  void theReportSaysWhenTheFirstTokenCame() throws IOException, InterruptedException {
    String output = folder.resolve("a.png").toString();
    Command command = run("generate", "a red circle", "--steps=1", "-o", output);
    Matcher first = FIRST_TOKEN.matcher(command.out());
    assertTrue(first.find(), command.out() + command.err());
    assertTrue(Double.parseDouble(first.group(1)) > 0, command.out());
  }

  /** Half of the launcher's quick start is this archive, which Java makes of jars alone. */
  @Test
  void theJvmArchivesTheClasses() throws IOException, InterruptedException {
    List<String> jars = classPath().stream().filter(entry -> entry.endsWith(".jar")).toList();
    assumeTrue(jars.stream().anyMatch(jar -> jar.contains("blip3o-cli")), "the jars are built");
    Path archive = folder.resolve("classes.jsa");
    List<String> options =
        List.of("-XX:ArchiveClassesAtExit=" + archive, "-cp", String.join(":", jars));
    String output = folder.resolve("a.png").toString();
    Command command = run(options, "generate", "a red circle", "--steps=1", "-o", output);
    assertEquals(0, command.code(), command.out() + command.err());
    assertTrue(Files.size(archive) > 0);
  }

  @Test
  void theLauncherHeapHoldsAPictureOfMostPixels() throws IOException, InterruptedException {
    int side = 8190;
    Path picture = folder.resolve("large.png");
    BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_3BYTE_BGR);
    assertTrue(ImageIO.write(image, "png", picture.toFile()));
    String[] words = {
      "edit", "make it red", "-q", "--steps=1", "-i", picture.toString(), "-o", folder + "/a.png"
    };
    List<String> heap = List.of("-Xmx" + LauncherTest.LEAST_HEAP_MIB + "m");
    assertEquals(new Command(0, "", ""), run(heap, words));

    Command small = run(List.of("-Xmx128m"), words);
    assertEquals(1, small.code());
    assertEquals(1, small.err().lines().count(), small.err());
    assertTrue(small.err().contains(picture + " is too large for the Java heap"), small.err());
    assertTrue(small.err().contains("BLIP3O_JAVA_OPTIONS, for example -Xmx8g"), small.err());
  }

  @Test
  void anInterruptCancelsCleanly() throws IOException, InterruptedException {
    String output = folder.resolve("a.png").toString();
    Process process = start("generate", "a red circle", "--steps=1000", "-o", output);
    String last = "";
    try (BufferedReader lines = process.errorReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("tokens 64/64")) {
          new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
        }
        last = line;
      }
    }
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(130, process.exitValue());
    assertEquals("blip3o: cancelled", last);
    assertEquals(0, files());
  }

  @Test
  void promptsKeepTheirLettersWithoutALocale() throws IOException, InterruptedException {
    // The shell makes the word from ASCII, whatever the locale of this JVM.
    String script =
        "exec env LC_ALL=C \"$@\" \"$(printf 'zwei \\303\\204pfel \\360\\237\\215\\216')\"";
    List<String> command = new ArrayList<>(List.of("bash", "-c", script, "bash"));
    command.addAll(java());
    command.addAll(
        List.of("generate", "--steps=1", "-q", "-o", folder.resolve("a.png").toString()));
    Process process = new ProcessBuilder(command).start();
    assertEquals("", text(process.getErrorStream()));
    assertEquals(0, process.waitFor());

    String file = Files.readString(folder.resolve("a.png"), StandardCharsets.ISO_8859_1);
    byte[] prompt = "zwei \u00c4pfel \ud83c\udf4e".getBytes(StandardCharsets.UTF_8);
    assertTrue(file.contains(new String(prompt, StandardCharsets.ISO_8859_1)));
  }
}
