package dev.blip3o.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PaperModelTest {
  private static final Path PERFORMANCE =
      Path.of(System.getProperty("blip3o.root", "../.."), "docs", "performance.md");

  private static CheckpointSizes publicSizes() {
    return CheckpointSizes.from(Options.parse(new String[0], Set.of(), Set.of()));
  }

  private static PaperStages stages() {
    return new PaperStages(publicSizes());
  }

  /** Bytes in BF16 of the matrices and convolutions whose names are wanted. */
  private static long bytes(Predicate<String> wanted) {
    return CheckpointTensors.of(publicSizes()).stream()
        .filter(spec -> spec.shape().size() > 1 && !spec.name().endsWith("scale_shift_table"))
        .filter(spec -> wanted.test(spec.name()))
        .mapToLong(spec -> 2 * spec.elements())
        .sum();
  }

  @Test
  void whatIsReadIsWhatTheCheckpointHolds() {
    long layers = bytes(name -> name.startsWith("model.layers."));
    long codes = 2L * 65_536 * 2048;
    assertEquals(layers + codes, stages().tokens(1, 0).neededBytes());
    assertEquals(layers + codes, stages().tokens(64, 0).neededBytes(), "once for all");
    assertEquals(layers, stages().prefill(128).neededBytes());

    long cached = 20L * 2 * 730 * 2240 * 2; // keys and values of cross attention
    Predicate<String> once = // before the first step
        name -> name.contains("caption_projection") || name.matches(".*attn2\\.to_[kv]\\.weight");
    long sana = bytes(name -> name.startsWith("model.sana."));
    long prepared = bytes(name -> name.startsWith("model.sana.") && once.test(name));
    assertEquals(sana - prepared + cached, stages().step().neededBytes());
    long connector = bytes(name -> name.startsWith("model.diffusion_connector."));
    assertEquals(prepared + connector, stages().condition().neededBytes());
    assertEquals(
        bytes(name -> name.startsWith("model.sana_vae.decoder.")), stages().decode().neededBytes());
  }

  @Test
  void aTokenReadsItsKeysAndMultipliesEveryWeight() {
    StageCost none = stages().tokens(1, 0);
    assertEquals(none.neededBytes(), none.flops(), "two flops and two bytes a weight");
    assertEquals(64 * none.flops(), stages().tokens(64, 0).flops());
    StageCost some = stages().tokens(3, 100);
    // 28 layers, keys and values, 8 heads of 128; each query head of 16 takes two flops a value.
    long values = 3L * 100 * 28 * 2 * 8 * 128;
    assertEquals(2 * values, some.neededBytes() - none.neededBytes());
    assertEquals(2 * 2 * values, some.flops() - 3 * none.flops());
  }

  /** The largest parts of a step by hand: 2048 rows of width 2240, 20 blocks. */
  @Test
  void aStepIsItsProducts() {
    long self = 2L * 2048 * 4 * 2240 * 2240 + 4L * 2048 * 2240 * 32;
    long cross = 2L * 1024 * 2 * 2240 * 2240 + 4L * 1024 * 730 * 2240;
    long forward = 2L * 2048 * 3 * 5600 * 2240 + 2L * 2048 * 9 * 11_200;
    long edges = 2L * 2 * 2048 * 32 * 2240 + 2L * 2240 * (256 + 7 * 2240);
    assertEquals(20 * (self + cross + forward) + edges, stages().step().flops());
  }

  @Test
  void theLessTightLimitCostsNothing() {
    Device device = new Device("paper", 10, 100);
    assertEquals(10, device.flopsPerByte());
    assertEquals(2, device.seconds(20, 199));
    assertEquals(3, device.seconds(20, 300));
    // [3, 5] · [5, 7]: 210 flops; 35 weights, 15 values in, 21 out
    StageCost cost = new StageCost().product(3, 5, 7).plain(0, 10, 5);
    assertEquals(210, cost.flops());
    assertEquals(70, cost.neededBytes());
    assertEquals(2 * (35 + 15 + 21) + 30, cost.movedBytes());
    assertEquals(7, cost.least(device));
    assertEquals(14.2 + 3, cost.oneByOne(device), 1e-9);
    assertEquals(2 * 17.2, new StageCost().add(cost, 2).oneByOne(device), 1e-9);
  }

  @ParameterizedTest
  @CsvSource({
    "0.0004, 0.000",
    "0.12345, 0.123",
    "0.9996, 1.00",
    "9.99, 9.99",
    "9.996, 10.0",
    "99.96, 100",
    "1234.6, 1235"
  })
  void numbersHaveThreeDigits(double value, String text) {
    assertEquals(text, PaperModel.number(value));
  }

  @Test
  void theDocumentShowsWhatTheProgramPrints() throws IOException {
    String document = Files.readString(PERFORMANCE);
    for (String table : PaperModel.tables().split("\n\n")) {
      assertTrue(document.contains(table.strip()), "not in " + PERFORMANCE + ":\n" + table);
    }
  }

  @Test
  void optionsAreChecked() {
    assertThrows(Options.UsageException.class, () -> PaperModel.tables("--promt", "3"));
    assertThrows(Options.UsageException.class, () -> PaperModel.tables("what"));
    assertTrue(PaperModel.tables("--prompt", "100").contains(" at 465 positions each"));
  }
}
