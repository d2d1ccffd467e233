package dev.blip3o.example.springboot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.blip3o.Blip3oModel;
import dev.blip3o.EditRequest;
import dev.blip3o.ImageRequest;
import dev.blip3o.InputImage;
import dev.blip3o.support.Repository;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.SmartLifecycle;

/** The example, whole, with the demo checkpoint, over HTTP. */
@Timeout(120)
class PictureServiceTest {
  private static final ImageRequest CIRCLE = ImageRequest.builder("a red circle").seed(7).build();

  private static ConfigurableApplicationContext application;
  private static Blip3oModel model;
  private static Http http;

  private static ConfigurableApplicationContext start() {
    return SpringApplication.run(
        PictureService.class, "--server.port=0", "--blip3o.model=" + Repository.demo());
  }

  private static Http http(ConfigurableApplicationContext of) {
    return new Http(of.getEnvironment().getRequiredProperty("local.server.port", Integer.class));
  }

  @BeforeAll
  static void run() {
    application = start();
    http = http(application);
    model = application.getBean(Blip3oModel.class);
  }

  @AfterAll
  static void stop() {
    application.close();
  }

  private static HttpResponse<byte[]> draw(String prompt, String seed) {
    return http.post("/pictures", "{\"prompt\": \"" + prompt + "\", \"seed\": " + seed + "}");
  }

  private static JsonNode json(String path) throws IOException, InterruptedException {
    HttpResponse<String> answer = http.get(path);
    assertEquals(200, answer.statusCode(), answer.body());
    return new ObjectMapper().readTree(answer.body());
  }

  @Test
  void drawsThePictureOfASeed() {
    HttpResponse<byte[]> answer = draw("a red circle", "7");
    assertEquals(200, answer.statusCode());
    assertEquals("image/png", answer.headers().firstValue("Content-Type").orElseThrow());
    assertEquals("7", answer.headers().firstValue(PictureController.SEED).orElseThrow());
    assertArrayEquals(model.generate(CIRCLE).png(), answer.body());
  }

  @Test
  void tellsARandomSeed() {
    HttpResponse<byte[]> answer = draw("a red circle", "null");
    String seed = answer.headers().firstValue(PictureController.SEED).orElseThrow();
    assertArrayEquals(draw("a red circle", seed).body(), answer.body());
  }

  @Test
  void editsAPictureWithinAMask() throws IOException, InterruptedException {
    byte[] picture = model.generate(CIRCLE).png();
    byte[] mask = leftHalfWhite();
    HttpResponse<byte[]> answer =
        http.post(
            "/edits",
            Map.of(
                "prompt", "make the red circle blue", "seed", 3, "picture", picture, "mask", mask));
    assertEquals(200, answer.statusCode(), new String(answer.body(), StandardCharsets.UTF_8));
    EditRequest expected =
        EditRequest.builder("make the red circle blue", InputImage.decode(picture))
            .mask(InputImage.decode(mask))
            .seed(3)
            .build();
    assertArrayEquals(model.edit(expected).png(), answer.body());
  }

  private static byte[] leftHalfWhite() throws IOException {
    BufferedImage mask = new BufferedImage(128, 128, BufferedImage.TYPE_BYTE_GRAY);
    for (int y = 0; y < 128; y++) {
      for (int x = 0; x < 64; x++) {
        mask.setRGB(x, y, 0xffffff);
      }
    }
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(mask, "png", png);
    return png.toByteArray();
  }

  @Test
  void saysWhatIsWrong() throws IOException, InterruptedException {
    assertProblem("the prompt is empty", draw(" ", "7"));
    assertProblem("the prompt is empty", http.post("/pictures", "{}"));
    assertProblem("", http.post("/edits", Map.of("prompt", "go", "picture", new byte[] {1, 2, 3})));
  }

  private static void assertProblem(String detail, HttpResponse<byte[]> answer) throws IOException {
    JsonNode problem = new ObjectMapper().readTree(answer.body());
    assertEquals(400, answer.statusCode(), problem.toString());
    assertTrue(problem.get("detail").asText().contains(detail), problem.toString());
  }

  @Test
  void tellsHowItIs() throws IOException, InterruptedException {
    JsonNode blip3o = json("/actuator/health").at("/components/blip3o");
    assertEquals("UP", blip3o.get("status").asText());
    assertEquals("cpu", blip3o.at("/details/device").asText());
    assertFalse(blip3o.toString().contains(Repository.root().toString()), blip3o.toString());
    for (String probe : new String[] {"liveness", "readiness"}) {
      JsonNode components = json("/actuator/health/" + probe).get("components");
      assertEquals("UP", components.at("/blip3o/status").asText(), components.toString());
    }
  }

  @Test
  void countsItsPictures() throws IOException, InterruptedException {
    double before = pictures();
    draw("a red circle", "7");
    assertEquals(1, pictures() - before);
  }

  private static double pictures() throws IOException, InterruptedException {
    return json("/actuator/metrics/blip3o.pictures").at("/measurements/0/value").asDouble();
  }

  @Test
  void theEndWaitsForPictures() {
    ConfigurableApplicationContext ending = start();
    Blip3oModel drawing = ending.getBean(Blip3oModel.class);
    var answer = http(ending).postAsync("/pictures", "{\"prompt\": \"a red circle\", \"seed\": 7}");
    while (drawing.metrics().submitted() == 0) {
      Thread.onSpinWait();
    }
    ending.close();
    assertEquals(200, answer.join().statusCode());
    assertArrayEquals(model.generate(CIRCLE).png(), answer.join().body());
    assertThrows(IllegalStateException.class, drawing::metrics);
  }

  @Test
  void theWebServerIsStoppedBeforePicturesAreWaitedFor() {
    assertTrue(phase("webServerGracefulShutdown") > phase("webServerStartStop"));
    assertTrue(phase("webServerStartStop") > phase("blip3oWorkDrain"));
  }

  /** Higher phases are stopped first. */
  private static int phase(String bean) {
    return application.getBean(bean, SmartLifecycle.class).getPhase();
  }
}
