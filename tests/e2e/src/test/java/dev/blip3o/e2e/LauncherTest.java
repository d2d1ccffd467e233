package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.support.Repository;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the launcher gives the JVM, seen by a program in the place of {@code java}. */
class LauncherTest {
  /** Where a picture of 64 megapixels with 16-bit samples and alpha can be decoded. */
  static final long LEAST_HEAP_MIB = 3072;

  @TempDir Path folder;

  /** A tree that counts as built, with a {@code java} that prints its arguments line by line. */
  @BeforeEach
  void tree() throws IOException {
    for (String name : List.of("cmake", "native", "presets/src")) {
      Files.createDirectories(folder.resolve(name));
    }
    for (String name :
        List.of("pom.xml", "CMakeLists.txt", "CMakePresets.json", "presets/pom.xml")) {
      Files.createFile(folder.resolve(name));
    }
    for (String module :
        List.of("blip3o", "micrometer", "server", "cli", "torch", "training", "cli-training")) {
      Path place = folder.resolve("java").resolve(module);
      Files.createDirectories(place.resolve("src/main"));
      Files.createFile(place.resolve("pom.xml"));
    }
    module("cli");
    module("cli-training");
    Path java = Files.createDirectories(folder.resolve("jdk/bin")).resolve("java");
    Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"17.0.1\"\n");
    Files.writeString(java, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
    assertTrue(java.toFile().setExecutable(true));
    Files.copy(Repository.root().resolve("blip3o"), folder.resolve("blip3o"));
    assertTrue(folder.resolve("blip3o").toFile().setExecutable(true));
    Path work = Files.createDirectories(folder.resolve("build/launcher"));
    Files.createFile(work.resolve("stamp"));
    Files.createFile(work.resolve("training.stamp"));
    Files.createFile(work.resolve("classes.jsa"));
  }

  private void module(String name) throws IOException {
    Path target = Files.createDirectories(folder.resolve("java").resolve(name).resolve("target"));
    Path jar = Files.createFile(target.resolve("blip3o-" + name + "-1-SNAPSHOT.jar"));
    Files.writeString(target.resolve("classpath.txt"), jar.toString());
  }

  private List<String> arguments(String javaOptions, String... words)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(folder.resolve("blip3o").toString());
    builder.command().addAll(List.of(words));
    builder.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
    builder.environment().put("BLIP3O_JAVA_OPTIONS", javaOptions);
    Process process = builder.redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    return out.lines().toList();
  }

  @Test
  void theHeapHoldsAPictureOfMostPixels() throws IOException, InterruptedException {
    List<String> heaps =
        arguments("", "inspect").stream().filter(word -> word.startsWith("-Xmx")).toList();
    assertEquals(1, heaps.size(), heaps.toString());
    assertTrue(heaps.get(0).matches("-Xmx\\d+m"), heaps.toString());
    long heap = Long.parseLong(heaps.get(0).replaceAll("\\D", ""));
    assertTrue(heap >= LEAST_HEAP_MIB, heaps.toString());
  }

  @Test
  void theUsersOptionsComeLast() throws IOException, InterruptedException {
    List<String> words = arguments("-Xmx8g  -Dx=y", "generate", "two words");
    int heap = words.indexOf("-Xmx8g");
    assertTrue(heap > 0 && words.indexOf("-Dx=y") == heap + 1, words.toString());
    assertTrue(words.subList(0, heap).stream().anyMatch(word -> word.startsWith("-Xmx")));
    assertTrue(heap < words.indexOf("dev.blip3o.cli.Main"), words.toString());
    assertEquals(List.of("generate", "two words"), words.subList(words.size() - 2, words.size()));
  }

  @Test
  void aServerHasTheBetterCompiler() throws IOException, InterruptedException {
    String quick = "-XX:TieredStopAtLevel=1";
    assertTrue(arguments("", "generate", "serve").contains(quick));
    assertTrue(arguments("", "bench", "serve").contains(quick));
    assertFalse(arguments("", "serve", "--port=0").contains(quick));
    assertFalse(arguments("", "--verbose", "serve").contains(quick));
  }

  @Test
  void trainingAloneHasTheClassPathOfTraining() throws IOException, InterruptedException {
    assertTrue(jars("--verbose", "train", "grpo").contains("blip3o-cli-training-1-SNAPSHOT.jar"));
    assertTrue(jars("help", "train").contains("blip3o-cli-training-1-SNAPSHOT.jar"));
    for (String command : List.of("generate", "serve", "inspect")) {
      assertFalse(jars(command, "train").contains("training"), command);
    }
    assertFalse(jars("--help").contains("training"));
  }

  @Test
  void aTrainingRunHasRoomBesideTheHeapAndNoArchiveOfOtherJars()
      throws IOException, InterruptedException {
    List<String> words = arguments("", "train", "grpo");
    assertFalse(words.contains("-XX:TieredStopAtLevel=1"), words.toString());
    assertTrue(words.stream().anyMatch(word -> word.matches("-XX:MaxDirectMemorySize=\\d+m")));
    assertFalse(words.stream().anyMatch(word -> word.contains("classes.jsa")), words.toString());
    List<String> others = arguments("", "generate");
    assertTrue(others.stream().anyMatch(word -> word.contains("classes.jsa")), others.toString());
    assertFalse(others.stream().anyMatch(word -> word.contains("MaxDirect")), others.toString());
  }

  private String jars(String... words) throws IOException, InterruptedException {
    List<String> all = arguments("", words);
    return all.get(all.indexOf("-cp") + 1);
  }
}
