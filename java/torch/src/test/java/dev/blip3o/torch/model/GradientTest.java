package dev.blip3o.torch.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.PromptIds;
import dev.blip3o.torch.model.TokenBatch.Sequence;
import java.nio.DoubleBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Gradients in double precision, against central differences and against each other. */
@SuppressWarnings("try") // Scopes are not called, they are there.
class GradientTest {
  /** The error of a central difference is of the order of its step squared, and of 1e-16 / step. */
  private static final double STEP = 1e-5;

  private static final double TOLERANCE = 1e-6;

  @ParameterizedTest
  @CsvSource({"tiny, true", "tiny, false", "tied, true", "tied, false"})
  void alongRandomDirectionsTheyAreCentralDifferences(String name, boolean checkpointing) {
    GoldenModel golden = GoldenModel.read(name);
    TokenBatch batch = batch(golden);
    try (PointerScope scope = new PointerScope();
        LanguageModel model = golden.open(options(golden, checkpointing))) {
      Map<String, double[]> gradients = gradients(model, batch);
      Random random = new Random(7);
      for (int i = 0; i < 4; i++) {
        Map<String, double[]> direction = direction(gradients, random);
        double expected = 0;
        for (Map.Entry<String, double[]> gradient : gradients.entrySet()) {
          double[] part = direction.get(gradient.getKey());
          for (int k = 0; k < part.length; k++) {
            expected += part[k] * gradient.getValue()[k];
          }
        }
        double found = difference(model, batch, direction);
        assertEquals(expected, found, TOLERANCE * Math.max(0.01, Math.abs(expected)), name);
      }
    }
  }

  /** Of length 1, or a step along it would leave where the loss is smooth. */
  private static Map<String, double[]> direction(Map<String, double[]> like, Random random) {
    double size = like.values().stream().mapToInt(values -> values.length).sum();
    double length = Math.sqrt(size / 3); // Of uniform numbers between -1 and 1, nearly.
    Map<String, double[]> direction = new LinkedHashMap<>();
    like.forEach(
        (name, values) ->
            direction.put(name, random.doubles(values.length, -1 / length, 1 / length).toArray()));
    return direction;
  }

  /** The entry of each kind of parameter on which the loss depends most, and the first one. */
  @ParameterizedTest
  @CsvSource({"tiny", "tied"})
  void ofSingleEntriesTheyAreCentralDifferences(String name) {
    GoldenModel golden = GoldenModel.read(name);
    TokenBatch batch = batch(golden);
    try (PointerScope scope = new PointerScope();
        LanguageModel model = golden.open(options(golden, true))) {
      Map<String, double[]> gradients = gradients(model, batch);
      gradients.forEach(
          (parameter, gradient) -> {
            if (parameter.contains("layers.") && !parameter.contains("layers.1.")) {
              return;
            }
            int largest = 0;
            for (int i = 0; i < gradient.length; i++) {
              if (Math.abs(gradient[i]) > Math.abs(gradient[largest])) {
                largest = i;
              }
            }
            assertTrue(Math.abs(gradient[largest]) > 1e-4, parameter + " has no gradient");
            for (int entry : new int[] {largest, 0}) {
              double[] unit = new double[gradient.length];
              unit[entry] = 1;
              double found = difference(model, batch, Map.of(parameter, unit));
              double scale = Math.max(1, Math.abs(gradient[largest]));
              assertEquals(gradient[entry], found, TOLERANCE * scale, parameter + " " + entry);
            }
          });
    }
  }

  @ParameterizedTest
  @CsvSource({"tiny", "table", "tied"})
  void checkpointingAndTheWholeGraphGiveTheSame(String name) {
    GoldenModel golden = GoldenModel.read(name);
    TokenBatch batch = batch(golden);
    Map<String, double[]> expected;
    try (PointerScope scope = new PointerScope();
        LanguageModel model = golden.open(options(golden, false))) {
      Tensor targets = model.layout(batch, 0).targets().view(batch.size(), batch.tokens(), 1);
      Tensor chosen = model.logits(batch).log_softmax(2).gather(2, targets).squeeze(2);
      loss(chosen).backward();
      expected = read(model);
    }
    for (boolean checkpointing : new boolean[] {true, false}) {
      try (PointerScope scope = new PointerScope();
          LanguageModel model = golden.open(options(golden, checkpointing))) {
        Map<String, double[]> found = gradients(model, batch);
        assertEquals(expected.keySet(), found.keySet());
        expected.forEach((key, values) -> assertSame(key, values, found.get(key)));
      }
    }
  }

  @Test
  void gradientsAddUpUntilTheyAreZeroed() {
    GoldenModel golden = GoldenModel.read("tied");
    TokenBatch batch = batch(golden);
    try (PointerScope scope = new PointerScope();
        LanguageModel model = golden.open(options(golden, true))) {
      Map<String, double[]> once = gradients(model, batch);
      Map<String, double[]> twice = gradients(model, batch);
      once.forEach(
          (key, values) ->
              assertSame(
                  key, Arrays.stream(values).map(value -> 2 * value).toArray(), twice.get(key)));
      model.zeroGradients();
      gradients(model, batch).forEach((key, values) -> assertSame(key, once.get(key), values));
    }
  }

  @Test
  void wherePromptsHaveNoIdTheEmbeddingHasNoGradient() {
    GoldenModel golden = GoldenModel.read("tiny");
    TokenBatch batch = batch(golden);
    try (PointerScope scope = new PointerScope();
        LanguageModel model = golden.open(options(golden, true))) {
      double[] gradient = gradients(model, batch).get(Parameters.EMBEDDING);
      int hidden = golden.config().hiddenSize();
      boolean[] used = new boolean[golden.config().vocabularySize()];
      for (Sequence sequence : batch.sequences()) {
        Arrays.stream(sequence.prompt().toArray()).forEach(id -> used[id] = true);
        // The last token is predicted, and never read.
        for (int i = 0; i < batch.tokens() - 1; i++) {
          used[golden.images().first() + sequence.tokens()[i]] = true;
        }
      }
      for (int id = 0; id < used.length; id++) {
        double[] row = Arrays.copyOfRange(gradient, id * hidden, (id + 1) * hidden);
        assertEquals(used[id], Arrays.stream(row).anyMatch(value -> value != 0), "id " + id);
      }
      assertFalse(used[golden.images().first() + golden.images().codes() - 1]);
    }
  }

  /** Three rows of logits at once, so that several pieces and a rest are put together. */
  private static LanguageModelOptions options(GoldenModel golden, boolean checkpointing) {
    return new LanguageModelOptions(Precision.F64, checkpointing, 3L * 8 * golden.images().codes());
  }

  /** Two prompts of unequal length, five tokens each. */
  private static TokenBatch batch(GoldenModel golden) {
    Sequence whole = golden.sequence(0);
    int[] ids = whole.prompt().toArray();
    int[] longer = Arrays.copyOfRange(ids, ids.length - 9, ids.length);
    int[] shorter = Arrays.copyOfRange(ids, ids.length - 4, ids.length);
    return new TokenBatch(
        List.of(
            new Sequence(PromptIds.of(longer), Arrays.copyOf(whole.tokens(), 5)),
            new Sequence(PromptIds.of(shorter), new int[] {3, 1, 4, 1, 5})));
  }

  /** Not linear, and with another weight for every token. */
  private static Tensor loss(Tensor chosen) {
    Tensor weights = torch.arange(new Scalar(chosen.numel()));
    return chosen.exp().mul(weights.view(chosen.size(0), -1)).sum().add(chosen.mul(chosen).mean());
  }

  private static double lossOf(LanguageModel model, TokenBatch batch) {
    try (PointerScope scope = new PointerScope()) {
      return loss(model.logProbabilities(batch)).item_double();
    }
  }

  private static Map<String, double[]> gradients(LanguageModel model, TokenBatch batch) {
    double loss = model.accumulateGradients(batch, GradientTest::loss);
    assertEquals(lossOf(model, batch), loss, 1e-12 * Math.abs(loss));
    return read(model);
  }

  private static Map<String, double[]> read(LanguageModel model) {
    Map<String, double[]> gradients = new LinkedHashMap<>();
    model
        .parameters()
        .forEach(
            (name, parameter) -> {
              double[] values = new double[(int) parameter.numel()];
              new DoublePointer(parameter.grad().contiguous().data_ptr()).get(values);
              gradients.put(name, values);
            });
    return gradients;
  }

  /** (loss(p + STEP · direction) - loss(p - STEP · direction)) / (2 STEP). */
  private static double difference(
      LanguageModel model, TokenBatch batch, Map<String, double[]> direction) {
    move(model, direction, STEP);
    double above = lossOf(model, batch);
    move(model, direction, -2 * STEP);
    double below = lossOf(model, batch);
    move(model, direction, STEP);
    return (above - below) / (2 * STEP);
  }

  private static void move(LanguageModel model, Map<String, double[]> direction, double step) {
    direction.forEach(
        (name, part) -> {
          DoubleBuffer values =
              new DoublePointer(model.parameters().get(name).data_ptr())
                  .capacity(part.length)
                  .asBuffer();
          for (int i = 0; i < part.length; i++) {
            values.put(i, values.get(i) + step * part[i]);
          }
        });
  }

  private static void assertSame(String name, double[] expected, double[] found) {
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], 1e-11 * Math.max(largest, 1e-3), name + " " + i);
    }
  }
}
