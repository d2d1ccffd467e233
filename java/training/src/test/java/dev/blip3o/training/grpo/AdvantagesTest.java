package dev.blip3o.training.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against numbers worked out by hand. */
class AdvantagesTest {
  /** Mean 2; squares 4 + 0 + 0 + 4 = 8, over n − 1 = 3. */
  @Test
  void theyAreScaledByTheSamplesDeviation() {
    double deviation = Math.sqrt(8.0 / 3);
    assertEquals(deviation, Advantages.deviation(new double[] {0, 2, 2, 4}), 1e-15);
    assertArrayEquals(
        new double[] {-2 / (deviation + 1e-4), 0, 0, 2 / (deviation + 1e-4)},
        Advantages.of(new double[] {0, 2, 2, 4}).orElseThrow(),
        1e-15);
  }

  @Test
  void aGroupWithoutSpreadTeachesNothing() {
    assertEquals(Optional.empty(), Advantages.of(new double[] {0.7, 0.7, 0.7}));
    assertEquals(Optional.empty(), Advantages.of(new double[] {0.7}));
    assertEquals(Optional.empty(), Advantages.of(new double[] {0, 1e-9, 0}));
    assertTrue(Advantages.of(new double[] {0, 1e-6, 0}).isPresent());
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
  void rewardsAreFinite(double reward) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Advantages.of(new double[] {0, reward}));
    assertTrue(e.getMessage().contains("reward 1"), e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> Advantages.of(new double[0]));
  }

  @Test
  void groupsAreSelectedAndCounted() {
    SelectedGroups selected =
        SelectedGroups.of(
            List.of(
                Optional.of(new double[] {1, 1}),
                Optional.empty(),
                Optional.of(new double[] {0, 2}),
                Optional.of(new double[] {4, 4})));
    assertEquals(List.of(2), selected.groups().stream().map(SelectedGroups.Group::index).toList());
    assertEquals(2, selected.skipped());
    assertEquals(1, selected.dropped());
    assertEquals(2, selected.meanReward(), 1e-15);
    assertEquals(Math.sqrt(2) / 3, selected.meanDeviation(), 1e-15);
    double advantage = 1 / (Math.sqrt(2) + 1e-4);
    assertArrayEquals(
        new double[] {-advantage, advantage}, selected.groups().get(0).advantages(), 1e-15);
  }

  @Test
  void withoutScoresThereIsNoMean() {
    SelectedGroups selected = SelectedGroups.of(List.of(Optional.empty()));
    assertEquals(1, selected.dropped());
    assertTrue(Double.isNaN(selected.meanReward()));
  }
}
