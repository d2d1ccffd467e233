package dev.blip3o.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blip3o.Blip3oModel;
import dev.blip3o.Device;
import dev.blip3o.ImageRequest;
import dev.blip3o.ModelOptions;
import dev.blip3o.Pixels;
import dev.blip3o.Quantization;
import dev.blip3o.UnsupportedException;
import dev.blip3o.support.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The native jar with the CUDA backend on the class path of a machine without a driver. Run in the
 * profile {@code cuda}, with that jar beside the one of the CPU and with it alone.
 */
class CudaJarIT {
  private static final ImageRequest REQUEST =
      ImageRequest.builder("a red circle").seed(7).steps(4).build();

  private static final List<String> LOG = new CopyOnWriteArrayList<>();

  /** Held: the log manager forgets. */
  private static final Logger LOGGER = Logger.getLogger("dev.blip3o");

  @TempDir Path folder;

  @BeforeAll
  static void thisMachineHasNoDevice() {
    assumeFalse(Files.exists(Path.of("/dev/nvidiactl")), "tests/gpu/run.sh is for such machines");
    LOGGER.addHandler(
        new Handler() {
          @Override
          public void publish(LogRecord line) {
            LOG.add(line.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        });
  }

  private static Path tiny() {
    return Repository.golden().resolve("reference/tiny/model");
  }

  private static ModelOptions on(Device device) {
    return ModelOptions.builder().device(device).build();
  }

  private static Pixels picture(Device device) {
    try (Blip3oModel model = Blip3oModel.open(tiny(), on(device))) {
      assertEquals(Device.CPU, model.info().device());
      return model.generate(REQUEST).pixels();
    }
  }

  @Test
  void theLoaderHasChosenTheCudaLibrary() {
    assertTrue(Blip3oModel.hasBackend(Device.CUDA));
    assertTrue(Blip3oModel.hasBackend(Device.CPU));
  }

  @Test
  void autoRunsOnTheCpuAndSaysWhy() {
    try (Blip3oModel model = Blip3oModel.open(tiny(), on(Device.AUTO))) {
      assertEquals(Device.CPU, model.info().device());
      String reason = model.info().deviceReason().orElseThrow();
      assertTrue(reason.contains("driver"), reason);
      assertTrue(model.metrics().healthy());
    }
    assertEquals(picture(Device.CPU), picture(Device.AUTO));
  }

  @Test
  void theReasonIsLoggedOnce() {
    picture(Device.AUTO);
    picture(Device.AUTO);
    picture(Device.CPU);
    assertEquals(1, LOG.size(), LOG.toString());
    assertTrue(LOG.get(0).contains("CPU") && LOG.get(0).contains("driver"), LOG.toString());
  }

  @Test
  void cudaIsRefusedAndTheProcessGoesOn() {
    for (int i = 0; i < 3; i++) {
      UnsupportedException e =
          assertThrows(UnsupportedException.class, () -> Blip3oModel.open(tiny(), on(Device.CUDA)));
      assertTrue(e.getMessage().contains("driver"), e.getMessage());
    }
    assertEquals(picture(Device.CPU), picture(Device.AUTO));
  }

  @Test
  void theReportSizesTheDeviceThatIsNotThere() throws IOException {
    JsonNode bf16 = memory(tiny());
    assertEquals("cuda", bf16.get("device").asText());
    assertEquals("", bf16.get("problem").asText());
    for (String part : List.of("weights", "constants", "slab", "workspace", "scratch")) {
      assertTrue(bf16.get(part).asLong() > 0, bf16.toString());
    }
    JsonNode int8 = memory(tiny(), Quantization.INT8_LANGUAGE);
    assertTrue(int8.get("weights").asLong() < bf16.get("weights").asLong(), int8.toString());
  }

  @Test
  void theConfigsAloneGiveSizes() throws IOException {
    Path model = Repository.copyDemo(folder.resolve("model"));
    long whole = memory(model).get("weights").asLong();
    Files.delete(model.resolve("model.safetensors"));
    JsonNode memory = memory(model);
    assertTrue(memory.get("tensors").asText().contains("assumed"), memory.toString());
    long assumed = memory.get("weights").asLong();
    // What no config sizes, the image tokenizer, is not counted.
    assertTrue(assumed > 0 && assumed < whole, memory + " of " + whole);
  }

  private static JsonNode memory(Path model, Quantization... quantization) throws IOException {
    ModelOptions options =
        ModelOptions.builder().device(Device.CUDA).quantization(quantization).build();
    return new JsonMapper().readTree(Blip3oModel.inspect(model, options, false)).get("memory");
  }

  @Test
  void theCommandLineSaysItToo() {
    String out = folder.resolve("a.png").toString();
    Command refused = Command.run("generate", "a red circle", "--device", "cuda", "-o", out);
    assertEquals(1, refused.code());
    assertEquals(1, refused.err().lines().filter(line -> line.startsWith("blip3o: ")).count());
    assertTrue(refused.err().contains("driver"), refused.err());
    assertFalse(Files.exists(Path.of(out)));

    Command auto = Command.run("generate", "a red circle", "--steps", "2", "-o", out);
    assertEquals(0, auto.code(), auto.err());
    assertTrue(auto.out().contains("; not on a CUDA device: "), auto.out());

    Command inspect = Command.run("inspect", "--device", "cuda");
    assertEquals(0, inspect.code(), inspect.err());
    assertTrue(inspect.out().matches("(?s).*Memory on the device cuda.*"), inspect.out());
  }
}
