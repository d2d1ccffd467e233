package dev.blip3o.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** LibTorch with and without its natives on the class path, each in a JVM of its own. */
class LibTorchTest {
  private static final List<String> CLASS_PATH =
      List.of(System.getProperty("java.class.path").split(File.pathSeparator));

  /** No library of an earlier program lies in it. */
  @TempDir Path cache;

  @ParameterizedTest
  @ValueSource(strings = {"pytorch", "openblas"})
  void whatIsMissingIsNamed(String artifact) throws IOException, InterruptedException {
    String natives = artifact + "-[^/]*-linux-x86_64\\.jar";
    List<String> without =
        CLASS_PATH.stream()
            .filter(entry -> !Path.of(entry).getFileName().toString().matches(natives))
            .toList();
    assertEquals(CLASS_PATH.size() - 1, without.size(), CLASS_PATH.toString());
    List<String> lines = load(without, cache.toString());
    assertEquals(2, lines.size(), lines.toString()); // The second time it is no other error.
    for (String line : lines) {
      for (String part :
          new String[] {
            "LibTorch for Linux amd64 can't be loaded",
            "org.bytedeco:pytorch",
            "org.bytedeco:openblas",
            "linux-x86_64"
          }) {
        assertTrue(line.contains(part), line);
      }
    }
  }

  @Test
  void withBothItLoads() throws IOException, InterruptedException {
    String unpacked = System.getProperty("org.bytedeco.javacpp.cachedir", cache.toString());
    assertEquals(List.of("loaded", "loaded"), load(CLASS_PATH, unpacked));
  }

  private static List<String> load(List<String> classPath, String cache)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.bytedeco.javacpp.cachedir=" + cache,
                "-cp",
                String.join(File.pathSeparator, classPath),
                LoadingProgram.class.getName())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    return output.lines().toList();
  }
}
