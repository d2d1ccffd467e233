package dev.blip3o.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.blip3o.support.Readme;
import dev.blip3o.support.Snippet;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The README's section on the service, run as it stands there: the command that serves, the lines
 * for curl in a shell, and the Java of OpenAI's client. The only changes are the port, which is a
 * free one, and that the launcher's command runs without its build.
 */
@Timeout(300)
class ReadmeServiceTest {
  private static final String ADDRESS = "127.0.0.1:8080";

  @TempDir Path folder;
  @TempDir static Path serving;
  private static ServeProcess server;

  @BeforeAll
  static void serve() throws IOException {
    List<String> words =
        new ArrayList<>(Arrays.asList(Readme.block("serve", "sh").strip().split("\\s+")));
    assertEquals(List.of("./blip3o", "serve", "--port", "8080"), words);
    server = ServeProcess.start(serving);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static String here(String text) {
    assertTrue(text.contains(ADDRESS), "the README's server is at " + ADDRESS + ": " + text);
    return text.replace(ADDRESS, "127.0.0.1:" + server.port());
  }

  /** Runs a script with bash in the folder; its output. */
  private String shell(String script) throws IOException, InterruptedException {
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder("bash", "-e", "-o", "pipefail", "-c", script)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), "it does not end: " + script);
    String text = Files.readString(output, StandardCharsets.UTF_8);
    assertEquals(0, process.exitValue(), script + "\n" + text);
    return text;
  }

  private void assertPicture(String name) throws IOException {
    byte[] file = Files.readAllBytes(folder.resolve(name));
    assertEquals(Drawings.SIDE, Drawings.read(file).getWidth(), name);
  }

  @Test
  void theLinesForCurl() throws Exception {
    for (String tool : List.of("curl", "jq")) {
      boolean there =
          Stream.of(System.getenv("PATH").split(File.pathSeparator))
              .anyMatch(place -> Files.isExecutable(Path.of(place, tool)));
      assertTrue(there || System.getenv("CI") == null, tool + " is missing: install it");
      assumeTrue(there, tool + " is not installed");
    }
    shell(here(Readme.block("curl", "sh")));
    assertPicture("circle.png");
    assertPicture("blue.png");
    assertFalse(
        Arrays.equals(
            Files.readAllBytes(folder.resolve("circle.png")),
            Files.readAllBytes(folder.resolve("blue.png"))));
    String events = shell(here(Readme.block("stream", "sh")));
    assertTrue(events.contains("event: image_generation.partial_image"), events);
    assertTrue(events.contains("event: image_generation.completed"), events);
  }

  @Test
  void theClientOfOpenAi() throws Exception {
    String snippet =
        here(Readme.block("openai", "java")).replace("Path.of(\"", "Path.of(\"" + folder + "/");
    Snippet.run(snippet, folder);
    assertPicture("openai.png");
  }
}
