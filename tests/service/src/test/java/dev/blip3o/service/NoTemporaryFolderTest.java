package dev.blip3o.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server that can write no temporary file does everything but WebP, and says so. */
@Timeout(120)
class NoTemporaryFolderTest {
  private static final String GENERATIONS = "/v1/images/generations";
  private static final String PROMPT = "{\"prompt\":\"a red circle\",\"seed\":7,\"steps\":2";

  @TempDir static Path folder;

  @Test
  void onlyWebpIsMissing() throws IOException {
    // Beneath a file nothing can be written, whoever runs this.
    Path file = Files.createFile(folder.resolve("file"));
    List<String> nowhere = List.of("-Djava.io.tmpdir=" + file.resolve("nowhere"));
    try (ServeProcess server = ServeProcess.start(folder, nowhere)) {
      for (String more : List.of("", ",\"output_format\":\"jpeg\"")) {
        Answer plain = Wire.ask(server.port(), Wire.postJson(GENERATIONS, PROMPT + more + "}"));
        assertEquals(200, plain.status(), plain.text());
        assertTrue(plain.picture().length > 0);
      }
      String stream = PROMPT + ",\"stream\":true,\"partial_images\":1}";
      Answer events = Wire.ask(server.port(), Wire.postJson(GENERATIONS, stream));
      assertTrue(events.text().contains("event: image_generation.partial_image"), events.text());
      assertTrue(events.lastEventsPicture().length > 0);

      Answer webp =
          Wire.ask(
              server.port(), Wire.postJson(GENERATIONS, PROMPT + ",\"output_format\":\"webp\"}"));
      assertEquals(400, webp.status(), webp.text());
      assertEquals("output_format", webp.json().at("/error/param").textValue());
      Answer models = Wire.ask(server.port(), Wire.get("/v1/models"));
      assertEquals("[\"png\",\"jpeg\"]", models.json().at("/data/0/output_formats").toString());
      List<String> warnings =
          server.log().lines().filter(line -> line.contains(" WARN  dev.blip3o")).toList();
      assertEquals(1, warnings.size(), server.log());
      assertTrue(warnings.get(0).contains("no picture can be sent as webp"), warnings.get(0));
    }
  }
}
