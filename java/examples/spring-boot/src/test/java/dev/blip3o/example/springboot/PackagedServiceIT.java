package dev.blip3o.example.springboot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.EditRequest;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.blip3o.support.Repository;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The jar that runs alone, as people start and end it: libraries in jars within a jar. */
@Timeout(180)
class PackagedServiceIT {
  private static final Path JAR = Path.of(System.getProperty("blip3o.example.jar"));
  private static final String CIRCLE = "{\"prompt\": \"a red circle\", \"seed\": 7}";
  private static final int SIGTERM = 143;

  private static byte[] circle;
  private static byte[] blue;

  @TempDir Path folder;

  @BeforeAll
  static void draw() {
    try (Blip3oModel model = Blip3oModel.open(Repository.demo())) {
      circle = model.generate(ImageRequest.builder("a red circle").seed(7).build()).png();
      InputImage picture = InputImage.decode(circle);
      blue =
          model
              .edit(EditRequest.builder("make the red circle blue", picture).seed(7).build())
              .png();
    }
  }

  private ApplicationProcess start() throws IOException, InterruptedException {
    return ApplicationProcess.start(Repository.root(), folder, List.of("-jar", JAR.toString()));
  }

  @Test
  void finishesItsPicturesBeforeItEnds() throws Exception {
    try (ApplicationProcess service = start()) {
      Http http = new Http(service.port());
      var answer = http.postAsync("/pictures", CIRCLE);
      while (http.get("/actuator/metrics/blip3o.requests.running").body().contains(":0.0")
          && !answer.isDone()) {
        Thread.onSpinWait();
      }
      service.terminate();
      assertArrayEquals(circle, answer.join().body());
      assertEquals(SIGTERM, service.exitCode());
      assertTrue(service.log().contains("Graceful shutdown complete"), service.log());
    }
  }

  @Test
  void theLinesOfItsReadmeDrawAndEdit() throws Exception {
    Path readme = Repository.root().resolve("java/examples/spring-boot/README.md");
    List<String> lines =
        Files.readAllLines(readme).stream()
            .filter(line -> line.startsWith("    "))
            .map(String::strip)
            .toList();
    String jar = Repository.root().relativize(JAR.toRealPath()).toString();
    assertEquals("java -jar " + jar, lines.get(0));
    assumeCurl();
    try (ApplicationProcess service = start()) {
      String script =
          lines.stream()
              .skip(1)
              .map(line -> line.replace("127.0.0.1:8080", "127.0.0.1:" + service.port()))
              .collect(Collectors.joining("\n"));
      String told = shell(script);
      assertArrayEquals(circle, Files.readAllBytes(folder.resolve("circle.png")));
      assertArrayEquals(blue, Files.readAllBytes(folder.resolve("blue.png")));
      assertTrue(told.contains("\"blip3o\":{\"status\":\"UP\""), told);
      assertTrue(told.contains("\"value\":2.0"), told);
    }
  }

  private static void assumeCurl() {
    boolean there =
        Stream.of(System.getenv("PATH").split(File.pathSeparator))
            .anyMatch(place -> Files.isExecutable(Path.of(place, "curl")));
    assertTrue(there || System.getenv("CI") == null, "curl is missing: install it");
    assumeTrue(there, "curl is not installed");
  }

  /** Runs a script with bash in the folder; its output. */
  private String shell(String script) throws IOException, InterruptedException {
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder("bash", "-e", "-c", script)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    int code = process.waitFor();
    String text = Files.readString(output);
    assertEquals(0, code, script + "\n" + text);
    return text;
  }
}
