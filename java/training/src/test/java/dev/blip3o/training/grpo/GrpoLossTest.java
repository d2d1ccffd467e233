package dev.blip3o.training.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Against numbers worked out by hand, and against a plain loop with its central differences. */
class GrpoLossTest {
  private static final int B = 4;
  private static final int T = 7;

  private static double[] flat(double[][] rows) {
    return Stream.of(rows).flatMapToDouble(Arrays::stream).toArray();
  }

  private static LossBatch batch(Tensor logProbabilities, LoopLoss loop, int from, int to) {
    long[] shape = {to - from, loop.mask[0].length};
    return new LossBatch(
        logProbabilities,
        Tensors.constant(flat(rows(loop.drawn, from, to)), shape),
        Tensors.constant(flat(rows(loop.reference, from, to)), shape),
        Tensors.constant(Arrays.copyOfRange(loop.advantages, from, to), shape[0]),
        Tensors.constant(flat(rows(loop.mask, from, to)), shape));
  }

  private static double[][] rows(double[][] all, int from, int to) {
    return Arrays.copyOfRange(all, from, to);
  }

  /**
   * Two sequences, of two tokens and of one. With ε = 0.2 and β = 0.5:
   *
   * <pre>
   * A = 1:  ratio 1.5 counts as 1.2 and is clipped   → −1.2
   *         ratio 0.5 counts as it is                → −0.5
   * A = −1: ratio 1, d = ln 2: 1 + 0.5 (2 − ln 2 − 1) → 1.1534264097200273
   * </pre>
   *
   * grpo: (−0.85 + 1.1534…) / 2; bnpo: (−1.7 + 1.1534…) / 3; dr_grpo with L = 4: the same / 8.
   */
  @ParameterizedTest
  @CsvSource({
    "GRPO, 0.15171320486001365",
    "BNPO, -0.18219119675999091",
    "DR_GRPO, -0.06832169878499659"
  })
  @SuppressWarnings("try")
  void numbersWorkedOutByHand(LossVariant variant, double expected) {
    GrpoSettings settings = new GrpoSettings(0.2, 0.5, variant, 4);
    LoopLoss loop =
        new LoopLoss(
            settings,
            new double[][] {{Math.log(0.2), Math.log(0.4)}, {Math.log(0.3), Math.log(0.9)}},
            new double[][] {{Math.log(0.3), Math.log(0.2)}, {Math.log(0.6), Math.log(0.1)}},
            new double[][] {{1, 1}, {1, 0}},
            new double[] {1, -1});
    double[][] now = {{Math.log(0.3), Math.log(0.2)}, {Math.log(0.3), Math.log(0.5)}};
    assertEquals(expected, loop.of(now), 1e-12);
    try (PointerScope scope = new PointerScope()) {
      LossBatch batch = batch(Tensors.leaf(flat(now), 2, 2), loop, 0, 2);
      try (GrpoLoss.Piece piece = new GrpoLoss(settings).of(batch, new BatchSize(2, 3))) {
        assertEquals(expected, piece.value().item_double(), 1e-12);
        TokenSums sums = piece.sums();
        assertEquals(expected, sums.loss(), 1e-12);
        assertEquals(3, sums.tokens());
        assertEquals(1.0 / 3, sums.clippedShare(), 1e-12);
        assertEquals((2 - Math.log(2) - 1) / 3, sums.meanKl(), 1e-12);
      }
    }
  }

  private static double[][] random(Random random, double low, double high) {
    double[][] rows = new double[B][T];
    for (double[] row : rows) {
      for (int t = 0; t < T; t++) {
        row[t] = low + (high - low) * random.nextDouble();
      }
    }
    return rows;
  }

  /** Sequences of different lengths, one of them empty; ratios within and beyond the clip. */
  private static LoopLoss loop(Random random, LossVariant variant) {
    double[][] mask = random(random, 1, 1);
    int[] lengths = {T, 3, 0, 5};
    for (int i = 0; i < B; i++) {
      for (int t = lengths[i]; t < T; t++) {
        mask[i][t] = 0;
      }
    }
    return new LoopLoss(
        new GrpoSettings(0.2, 0.3, variant, 11),
        random(random, -3, -1),
        random(random, -3, -1),
        mask,
        new double[] {1.3, -0.7, 0.4, -1.9});
  }

  @ParameterizedTest
  @EnumSource
  @SuppressWarnings("try")
  void lossAndGradientAreThoseOfAPlainLoop(LossVariant variant) {
    Random random = new Random(5);
    LoopLoss loop = loop(random, variant);
    double[][] now = random(random, -3, -1);
    GrpoSettings settings = new GrpoSettings(0.2, 0.3, variant, 11);
    try (PointerScope scope = new PointerScope()) {
      Tensor leaf = Tensors.leaf(flat(now), B, T);
      try (GrpoLoss.Piece piece =
          new GrpoLoss(settings).of(batch(leaf, loop, 0, B), new BatchSize(B, 15))) {
        assertEquals(loop.of(now), piece.value().item_double(), 1e-12);
        assertTrue(piece.sums().clipped() > 0 && piece.sums().clipped() < 15);
        piece.value().backward();
      }
      double[] gradient = Tensors.values(leaf.grad());
      for (int i = 0; i < B; i++) {
        for (int t = 0; t < T; t++) {
          assertEquals(loop.slope(now, i, t), gradient[i * T + t], 1e-8, i + ", " + t);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  @SuppressWarnings("try")
  void piecesAddUpToTheBatch(LossVariant variant) {
    Random random = new Random(6);
    LoopLoss loop = loop(random, variant);
    double[][] now = random(random, -3, -1);
    GrpoLoss loss = new GrpoLoss(new GrpoSettings(0.2, 0.3, variant, 11));
    try (PointerScope scope = new PointerScope()) {
      TokenSums sums = TokenSums.NONE;
      for (int[] part : new int[][] {{0, 1}, {1, 4}}) {
        Tensor leaf = Tensors.leaf(flat(rows(now, part[0], part[1])), part[1] - part[0], T);
        try (GrpoLoss.Piece piece =
            loss.of(batch(leaf, loop, part[0], part[1]), new BatchSize(B, 15))) {
          sums = sums.plus(piece.sums());
        }
      }
      assertEquals(loop.of(now), sums.loss(), 1e-12);
      assertEquals(15, sums.tokens());
    }
  }

  /** Where nothing has been learned yet, the ratio is 1 and only the advantage is left. */
  @Test
  @SuppressWarnings("try")
  void atTheStartTheGradientIsTheAdvantages() {
    GrpoSettings settings = GrpoSettings.recipe(2);
    double[][] now = {{-1, -2}, {-3, -4}};
    LoopLoss loop =
        new LoopLoss(settings, now, now, new double[][] {{1, 1}, {1, 1}}, new double[] {0.5, -0.5});
    try (PointerScope scope = new PointerScope()) {
      Tensor leaf = Tensors.leaf(flat(now), 2, 2);
      try (GrpoLoss.Piece piece =
          new GrpoLoss(settings).of(batch(leaf, loop, 0, 2), new BatchSize(2, 4))) {
        piece.value().backward();
      }
      double[] gradient = Tensors.values(leaf.grad());
      assertArrayEquals(new double[] {-0.125, -0.125, 0.125, 0.125}, gradient, 1e-12);
    }
  }

  @Test
  @SuppressWarnings("try")
  void shapesAreChecked() {
    try (PointerScope scope = new PointerScope()) {
      Tensor right = Tensors.constant(new double[6], 2, 3);
      Tensor wrong = Tensors.constant(new double[6], 3, 2);
      Tensor two = Tensors.constant(new double[2], 2);
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> new LossBatch(right, right, wrong, two, right));
      assertEquals("reference must be [2, 3], but is [3, 2]", e.getMessage());
      assertThrows(
          IllegalArgumentException.class, () -> new LossBatch(right, right, right, right, right));
    }
  }
}
