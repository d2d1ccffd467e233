package dev.blip3o.training.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.OutputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsFileTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("metrics.csv");
  }

  private void write(int from, int to) {
    try (MetricsFile metrics = MetricsFile.create(file)) {
      for (int step = from; step <= to; step++) {
        metrics.append(Steps.step(step));
      }
    }
  }

  @Test
  void rowsAreReadBackToTheBit() {
    try (MetricsFile metrics = MetricsFile.create(file)) {
      metrics.append(Steps.step(1));
      assertEquals(List.of(Steps.step(1)), MetricsFile.read(file));
      metrics.append(Steps.empty(2));
    }
    assertEquals(List.of(Steps.step(1), Steps.empty(2)), MetricsFile.read(file));
  }

  @Test
  void aRowIsOneLineOfPlainNumbers() throws IOException {
    try (MetricsFile metrics = MetricsFile.create(file)) {
      metrics.append(Steps.empty(1));
    }
    List<String> lines = Files.readAllLines(file);
    assertEquals(2, lines.size());
    assertTrue(lines.get(0).startsWith("step,reward,"), lines.get(0));
    assertEquals("1,0.5,0.0,,,,,,1.0E-6,0,8,0,128,12.000,0.500,0.000", lines.get(1));
  }

  @Test
  void aResumedRunTakesTheStepsAfterItsCheckpointAgain() throws IOException {
    write(1, 7);
    String kept = Files.readString(file).lines().limit(5).reduce("", (a, b) -> a + b + "\n");
    try (MetricsFile metrics = MetricsFile.resume(file, 4)) {
      assertEquals(kept, Files.readString(file));
      metrics.append(Steps.step(5));
    }
    assertEquals(5, MetricsFile.read(file).size());
    assertEquals(5, MetricsFile.read(file).get(4).step());
    MetricsFile.resume(file, 0).close();
    assertEquals(List.of(), MetricsFile.read(file));
  }

  @Test
  void aRowThatWasCutOffDoesNotCount() throws IOException {
    write(1, 3);
    Files.writeString(file, "4,0.5,0.1", StandardOpenOption.APPEND);
    assertEquals(3, MetricsFile.read(file).size());
    try (MetricsFile metrics = MetricsFile.resume(file, 3)) {
      metrics.append(Steps.step(4));
    }
    assertEquals(4, MetricsFile.read(file).size());
  }

  @Test
  void theFileOfAnotherRunIsRefused() throws IOException {
    write(1, 3);
    OutputException e =
        assertThrows(OutputException.class, () -> MetricsFile.resume(file, 5).close());
    assertTrue(e.getMessage().contains("lacks step 4"), e.getMessage());
    write(2, 5);
    e = assertThrows(OutputException.class, () -> MetricsFile.resume(file, 3).close());
    assertTrue(e.getMessage().contains("lacks step 1"), e.getMessage());
    Files.writeString(file, "time,value\n1,2\n");
    e = assertThrows(OutputException.class, () -> MetricsFile.read(file));
    assertTrue(e.getMessage().contains("begins with: time,value"), e.getMessage());
    Files.writeString(file, MetricsRow.HEADER + "\n1,2\n");
    e = assertThrows(OutputException.class, () -> MetricsFile.read(file));
    assertTrue(e.getMessage().contains("line 2: expected 16 fields, but found 2"), e.getMessage());
  }

  @Test
  void aPlaceThatCannotBeWrittenIsNamed() {
    Path nowhere = folder.resolve("no/metrics.csv");
    OutputException e =
        assertThrows(OutputException.class, () -> MetricsFile.create(nowhere).close());
    assertTrue(e.getMessage().contains(nowhere.toString()), e.getMessage());
    assertThrows(OutputException.class, () -> MetricsFile.read(nowhere));
  }
}
