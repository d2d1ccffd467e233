package dev.blip3o.training.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LineChartTest {
  @ParameterizedTest
  @CsvSource({
    "0, 1, 0, 1, 3",
    "0.52, 0.93, 0.4, 1, 4",
    "-0.3, 0.1, -0.3, 0.1, 5",
    "5, 5, 4, 6, 3",
    "0, 0, 0, 0, 2",
    "1e-7, 9.9e-7, 0, 1e-6, 3"
  })
  void axesBeginAndEndWithRoundNumbers(double low, double high, double min, double max, int count) {
    Ticks ticks = Ticks.of(low, high);
    assertTrue(ticks.min() <= low && ticks.max() >= high - 1e-12 && ticks.max() > ticks.min());
    assertEquals(min, ticks.min(), 1e-9);
    assertTrue(ticks.values().size() >= 2 && ticks.values().size() <= 8, ticks.toString());
    if (low < high) {
      assertEquals(max, ticks.max(), 1e-9 * Math.max(1, max));
      assertEquals(count, ticks.values().size());
    }
  }

  @Test
  void nothingButZerosLieAtTheBottomOfTheirAxis() {
    assertEquals(0, Ticks.of(0, 0).min());
    assertTrue(Ticks.of(0, 0).max() >= 0.1, Ticks.of(0, 0).toString());
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "2.5e-8, 2.5e-8",
    "-3e7, -3e7",
    "0.30000000000000004, 0.3",
    "1500, 1500",
    "1e-6, 1e-6"
  })
  void labelsAreShort(double value, String label) {
    assertEquals(label, Ticks.label(value));
  }

  private static LineChart chart(double... values) {
    List<Integer> steps = IntStream.rangeClosed(1, values.length).boxed().toList();
    return new LineChart(
        "A <curve>", "nats", steps, List.of(new LineChart.Series("it", "one", values)));
  }

  @Test
  void aMissingValueIsAGap() {
    String html = chart(1, 2, Double.NaN, 3, 4).html();
    String path = html.replaceAll("(?s).* d=\"([^\"]*)\".*", "$1");
    assertEquals(2, path.chars().filter(c -> c == 'M').count(), path);
    assertEquals(2, path.chars().filter(c -> c == 'L').count(), path);
    assertFalse(html.contains("NaN"), html);
    assertTrue(html.contains("A &lt;curve&gt;"), html);
    assertTrue(html.contains("step 4, it: 3"), html);
  }

  @Test
  void valuesLieWhereTheirTicksAre() {
    String html = chart(0, 1).html();
    assertTrue(html.contains("M64.0 190.0L468.0 12.0"), html);
  }

  @Test
  void nothingIsNoChart() {
    assertTrue(chart(Double.NaN, Double.NaN).html().contains("no values yet"));
  }

  @Test
  void smoothValuesAreMeansOfTheLast() {
    assertArrayEquals(
        new double[] {1, 1.5, 2, 4},
        LineChart.smooth(new double[] {1, 2, Double.NaN, 4}, 2),
        1e-12);
  }
}
