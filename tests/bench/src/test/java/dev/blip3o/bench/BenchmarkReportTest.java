package dev.blip3o.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BenchmarkReportTest {
  private static Samples samples(String name, double... values) {
    Samples samples = new Samples();
    for (double value : values) {
      samples.add(name, value);
    }
    return samples;
  }

  @Test
  void medianOfEvenAndOddCounts() {
    assertEquals(2, samples("a", 3, 1, 2).median("a").orElseThrow());
    assertEquals(2.5, samples("a", 4, 1, 3, 2).median("a").orElseThrow());
    assertTrue(samples("a", 1).median("b").isEmpty());
  }

  @Test
  void fasterIsAboveOneForTimesAndForRates() {
    Samples ours = samples("step", 2);
    ours.add("tokens_per_second", 6);
    Samples reference = samples("step", 8);
    reference.add("tokens_per_second", 3);
    String json =
        BenchmarkReport.json(Map.of(), List.of(new BenchmarkReport.Column("f32", ours)), reference);
    assertTrue(
        json.contains("\"times_better\":{\"f32\":{\"step\":4.0,\"tokens_per_second\":2.0}}"), json);
    String table =
        BenchmarkReport.table(List.of(new BenchmarkReport.Column("f32", ours)), reference);
    assertTrue(table.contains("x f32"), table);
  }

  @Test
  void computeStandsBesideTheReferencesTotal() {
    Samples ours = samples("compute", 0.25);
    String json =
        BenchmarkReport.json(
            Map.of(), List.of(new BenchmarkReport.Column("f32", ours)), samples("total", 1));
    assertTrue(json.contains("\"compute\":4.0"), json);
  }

  @Test
  void readsBothFormsOfTheReference() {
    assertEquals(
        Map.of("tokens", 0.38, "peak_mib", 456.0),
        ReferenceCommand.parse("noise\n{\"tokens\": 0.38, \"peak_mib\": 456}\n"));
    assertEquals(
        Map.of("tokens_per_second", 2.74, "peak_mib", 4041.0),
        ReferenceCommand.parse(
            "prefill of 64 5.55\ntokens/s 2.74\nlm bfloat16 2 threads, peak MiB 4041\n"));
    assertEquals(Map.of("step", 47.3), ReferenceCommand.parse("guided step, s 47.3"));
    assertEquals(Map.of("decode", 20.1), ReferenceCommand.parse("decode 1024, s 20.1"));
    assertEquals(Map.of("encode", 9.8), ReferenceCommand.parse("encode 1024, s 9.8"));
    assertEquals(Map.of("siglip", 3.25), ReferenceCommand.parse("encode one reference, s 3.25"));
  }

  @Test
  void aReferenceThatFailsOrSaysNothingIsAnError() throws IOException {
    assertEquals(Map.of("step", 2.0), ReferenceCommand.run("echo 'guided step, s 2'"));
    assertThrows(IOException.class, () -> ReferenceCommand.run("echo '{\"step\": 1}'; exit 3"));
    assertThrows(IOException.class, () -> ReferenceCommand.run("echo nothing"));
  }
}
