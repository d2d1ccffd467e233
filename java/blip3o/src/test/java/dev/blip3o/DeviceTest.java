package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where a model runs, with the native library that has no CUDA backend. */
@Timeout(60)
class DeviceTest {
  private static final Path TINY =
      Path.of(System.getProperty("blip3o.root"), "tests/golden/reference/tiny/model");

  private static Blip3oModel open(ModelOptions.Builder options) {
    return Blip3oModel.open(TINY, options.build());
  }

  @Test
  void thisLibraryIsOfTheCpu() {
    assertTrue(Blip3oModel.hasBackend(Device.CPU));
    assertTrue(Blip3oModel.hasBackend(Device.AUTO));
    assertFalse(Blip3oModel.hasBackend(Device.CUDA));
  }

  @Test
  void autoBecomesTheCpuAndSaysWhy() {
    try (Blip3oModel model = open(ModelOptions.builder())) {
      assertEquals(Device.CPU, model.info().device());
      String reason = model.info().deviceReason().orElseThrow();
      assertTrue(reason.contains("linux-x86_64-cuda"), reason);
      assertTrue(model.metrics().healthy());
    }
  }

  @Test
  void whoAsksForTheCpuNeedsNoReason() {
    try (Blip3oModel model = open(ModelOptions.builder().device(Device.CPU))) {
      assertEquals(Device.CPU, model.info().device());
      assertEquals(Optional.empty(), model.info().deviceReason());
    }
  }

  @Test
  void cudaIsRefusedWithTheReason() {
    ModelOptions.Builder cuda = ModelOptions.builder().device(Device.CUDA);
    UnsupportedException e = assertThrows(UnsupportedException.class, () -> open(cuda));
    assertTrue(e.getMessage().contains("linux-x86_64-cuda"), e.getMessage());
    assertThrows(UnsupportedException.class, () -> Blip3oModel.inspect(TINY, cuda.build(), false));
  }

  @Test
  void e4m3IsRefusedOnTheCpu() {
    ModelOptions.Builder e4m3 = ModelOptions.builder().quantization(Quantization.E4M3_DIFFUSION);
    UnsupportedException e = assertThrows(UnsupportedException.class, () -> open(e4m3));
    assertTrue(e.getMessage().contains("e4m3"), e.getMessage());
  }

  @Test
  void optionsKeepTheirDevice() {
    ModelOptions options =
        ModelOptions.builder()
            .device(Device.CUDA)
            .quantization(Quantization.INT8_LANGUAGE, Quantization.E4M3_DIFFUSION)
            .build();
    assertEquals(options, options.toBuilder().build());
    assertEquals(Set.of(), options.toBuilder().quantization().build().quantization());
    assertEquals(Device.AUTO, ModelOptions.defaults().device());
    assertEquals(Set.of(), ModelOptions.defaults().quantization());
  }

  @Test
  void theReportSaysWhatMemoryADeviceTakes() {
    ModelOptions options = ModelOptions.builder().device(Device.CPU).build();
    String report = Blip3oModel.inspect(TINY, options, false);
    assertTrue(report.contains("\"memory\":{\"device\":\"cpu\""), report);
    String without = Blip3oModel.inspect(TINY, ModelOptions.defaults(), false);
    assertFalse(without.contains("\"memory\""), without);
  }
}
