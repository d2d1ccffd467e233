package dev.blip3o.example.springboot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.ImageRequest;
import dev.blip3o.support.Repository;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The jar that runs alone, as people start and end it: libraries in jars within a jar. */
@Timeout(180)
class PackagedServiceIT {
  private static final String CIRCLE = "{\"prompt\": \"a red circle\", \"seed\": 7}";
  private static final int SIGTERM = 143;

  @Test
  void drawsAndFinishesItsPicturesBeforeItEnds(@TempDir Path folder) throws Exception {
    List<String> jar = List.of("-jar", System.getProperty("blip3o.example.jar"));
    byte[] expected;
    try (Blip3oModel model = Blip3oModel.open(Repository.demo())) {
      expected = model.generate(ImageRequest.builder("a red circle").seed(7).build()).png();
    }
    try (ApplicationProcess service = ApplicationProcess.start(Repository.root(), folder, jar)) {
      Http http = new Http(service.port());
      assertArrayEquals(expected, http.post("/pictures", CIRCLE).body());
      var answer = http.postAsync("/pictures", CIRCLE);
      while (http.get("/actuator/metrics/blip3o.requests.running").body().contains(":0.0")
          && !answer.isDone()) {
        Thread.onSpinWait();
      }
      service.terminate();
      assertArrayEquals(expected, answer.join().body());
      assertEquals(SIGTERM, service.exitCode());
      assertTrue(service.log().contains("Graceful shutdown complete"), service.log());
    }
  }
}
