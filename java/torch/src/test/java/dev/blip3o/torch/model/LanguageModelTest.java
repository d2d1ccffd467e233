package dev.blip3o.torch.model;

import static dev.blip3o.torch.model.Close.assertClose;
import static dev.blip3o.torch.model.Close.floats;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.Blip3oModel;
import dev.blip3o.Compute;
import dev.blip3o.InvalidRequestException;
import dev.blip3o.ModelOptions;
import dev.blip3o.PromptIds;
import dev.blip3o.WeightTensor;
import dev.blip3o.WeightType;
import dev.blip3o.torch.model.TokenBatch.Sequence;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@SuppressWarnings("try") // Scopes are not called, they are there.
class LanguageModelTest {
  /** What the engine is held to, against the same traces. */
  private static final double TOLERANCE = 1e-4;

  @ParameterizedTest
  @CsvSource({"tiny, 0", "tiny, 1", "tiny, 2", "table, 0", "table, 1", "table, 2", "tied, 0"})
  void itComputesWhatTheReferenceComputes(String name, int job) {
    GoldenModel golden = GoldenModel.read(name);
    TokenBatch batch = new TokenBatch(List.of(golden.sequence(job)));
    try (PointerScope scope = new PointerScope();
        LanguageModel model = golden.open(LanguageModelOptions.DEFAULT)) {
      Tensor logits = model.logits(batch);
      assertArrayEquals(new long[] {1, batch.tokens(), golden.images().codes()}, logits.shape());
      assertClose(
          golden.trace(job).get("first_logits").floats(), floats(logits.select(1, 0)), TOLERANCE);
      assertClose(
          golden.trace(job).get("hidden_states").floats(),
          floats(model.hiddenStates(batch)),
          TOLERANCE);
      float[] greedy = floats(logits.select(0, 0).argmax(new LongOptional(1), false));
      int[] tokens = batch.sequences().get(0).tokens();
      for (int i = 0; i < tokens.length; i++) {
        assertEquals(tokens[i], (int) greedy[i], "token " + i);
      }
    }
  }

  /** Prompts of unequal length, padded, beside the engine's own prefill of each alone. */
  @ParameterizedTest
  @ValueSource(strings = {"tiny", "table", "tied"})
  void aBatchHasTheEnginesHiddenStatesOfEachSequence(String name) {
    GoldenModel golden = GoldenModel.read(name);
    ModelOptions options = ModelOptions.builder().compute(Compute.F32).threads(1).build();
    try (Blip3oModel engine = Blip3oModel.open(golden.directory(), options);
        PointerScope scope = new PointerScope();
        LanguageModel model = golden.open(LanguageModelOptions.DEFAULT)) {
      List<Sequence> sequences = new ArrayList<>();
      for (String prompt : List.of("a", "two green squares beside a red circle", "a blue star")) {
        int[] tokens = new int[engine.info().imageTokens()];
        Arrays.setAll(tokens, i -> (i * 7 + prompt.length()) % golden.images().codes());
        sequences.add(new Sequence(engine.stages().prompt(prompt), tokens));
      }
      Tensor states = model.hiddenStates(new TokenBatch(sequences));
      for (int i = 0; i < sequences.size(); i++) {
        Sequence sequence = sequences.get(i);
        float[] expected =
            engine.stages().hiddenStates(sequence.prompt(), sequence.tokens()).toArray();
        assertClose(expected, floats(states.select(0, i)), TOLERANCE);
      }
    }
  }

  @Test
  void logProbabilitiesAreThoseOfTheLogitsHoweverManyAtOnce() {
    GoldenModel golden = GoldenModel.read("tiny");
    Sequence text = golden.sequence(0);
    Sequence other = golden.sequence(2);
    TokenBatch batch = new TokenBatch(List.of(text, other));
    LanguageModelOptions threeRows =
        new LanguageModelOptions(Precision.F32, false, 3L * 4 * golden.images().codes() + 5);
    try (PointerScope scope = new PointerScope();
        LanguageModel model = golden.open(LanguageModelOptions.DEFAULT);
        LanguageModel inChunks = golden.open(threeRows)) {
      int codes = golden.images().codes();
      float[] logits = floats(model.logits(batch));
      float[] expected = new float[batch.size() * batch.tokens()];
      for (int i = 0; i < expected.length; i++) {
        int token = batch.sequences().get(i / batch.tokens()).tokens()[i % batch.tokens()];
        double sum = 0;
        for (int k = 0; k < codes; k++) {
          sum += Math.exp(logits[i * codes + k]);
        }
        expected[i] = (float) (logits[i * codes + token] - Math.log(sum));
      }
      Tensor found = model.logProbabilities(batch);
      assertArrayEquals(new long[] {batch.size(), batch.tokens()}, found.shape());
      assertTrue(!found.requires_grad());
      assertClose(expected, floats(found), 1e-6);
      assertClose(expected, floats(inChunks.logProbabilities(batch)), 1e-6);
    }
  }

  @Test
  void weightsAreTheParametersThemselves() {
    GoldenModel golden = GoldenModel.read("tied");
    List<WeightTensor> weights;
    float before;
    try (PointerScope scope = new PointerScope();
        LanguageModel model = golden.open(LanguageModelOptions.DEFAULT)) {
      weights = model.weights();
      Tensor norm = model.parameters().get("model.norm.weight");
      WeightTensor weight =
          weights.stream()
              .filter(w -> w.name().equals("model.norm.weight"))
              .findFirst()
              .orElseThrow();
      assertEquals(norm.data_ptr().address(), new BytePointer(weight.data()).address());
      assertEquals(WeightType.F32, weight.type());
      assertTrue(weight.data().isReadOnly());
      before = weight.data().getFloat(0);
      Scopes.withoutGraph(() -> norm.add_(new Scalar(1)));
      assertEquals(before + 1, weight.data().getFloat(0));
      assertEquals(
          golden.weights().stream().map(WeightTensor::name).sorted().toList(),
          weights.stream().map(WeightTensor::name).sorted().toList());
    }
    // They outlive the model, and make another one that computes the same.
    try (LanguageModel again =
            LanguageModel.of(
                golden.config(), golden.images(), weights, LanguageModelOptions.DEFAULT);
        Tensor logits = again.logits(new TokenBatch(List.of(golden.sequence(0))))) {
      assertTrue(logits.defined());
      assertEquals(before + 1, floats(again.parameters().get("model.norm.weight"))[0]);
    }
  }

  /** So that weights of the public size never lie in memory together. */
  @Test
  void aWeightIsNotNeededWhenTheNextOneIsAskedFor() {
    GoldenModel golden = GoldenModel.read("tied");
    TokenBatch batch = new TokenBatch(List.of(golden.sequence(0)));
    List<ByteBuffer> given = new ArrayList<>();
    Iterable<WeightTensor> weights =
        golden.weights().stream()
                .map(
                    weight -> {
                      given.forEach(LanguageModelTest::erase);
                      given.add(copy(weight.data()));
                      return new WeightTensor(
                          weight.name(),
                          weight.type(),
                          given.get(given.size() - 1),
                          weight.shape());
                    })
            ::iterator;
    try (PointerScope scope = new PointerScope();
        LanguageModel expected = golden.open(LanguageModelOptions.DEFAULT);
        LanguageModel found =
            LanguageModel.of(
                golden.config(), golden.images(), weights, LanguageModelOptions.DEFAULT)) {
      erase(given.get(given.size() - 1));
      assertArrayEquals(
          floats(expected.logProbabilities(batch)), floats(found.logProbabilities(batch)));
    }
  }

  private static ByteBuffer copy(ByteBuffer data) {
    return ByteBuffer.allocateDirect(data.remaining()).put(data).flip();
  }

  private static void erase(ByteBuffer data) {
    for (int i = 0; i < data.limit(); i++) {
      data.put(i, (byte) 0);
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    GoldenModel golden = GoldenModel.read("tied");
    List<WeightTensor> weights = golden.weights();
    refused(
        "lack model.layers.0.self_attn.k_norm.weight",
        () -> of(golden, without(weights, "k_norm")));
    List<WeightTensor> twice = new ArrayList<>(weights);
    twice.add(weights.get(0));
    refused("is no weight of this language model, or stands there twice", () -> of(golden, twice));
    List<WeightTensor> small = new ArrayList<>(without(weights, "model.norm"));
    small.add(weight("model.norm.weight", 1, 2, 3));
    refused("model.norm.weight must have the shape [96], but has [3]", () -> of(golden, small));
    refused(
        "the image tokens must be within the vocabulary of 475, but are 65 from 411",
        () ->
            LanguageModel.of(
                golden.config(),
                new ImageVocabulary(411, 65),
                weights,
                LanguageModelOptions.DEFAULT));
    refused("at least one sequence", () -> new TokenBatch(List.of()));
    refused("sequence 0 has 0", () -> TokenBatch.of(PromptIds.of(1)));
    Sequence one = new Sequence(PromptIds.of(1), new int[] {1});
    Sequence two = new Sequence(PromptIds.of(1), new int[] {1, 2});
    refused("sequence 0 has 1 and sequence 1 has 2", () -> new TokenBatch(List.of(one, two)));
    LanguageModel model = golden.open(LanguageModelOptions.DEFAULT);
    refused(
        "image token 1 of sequence 0 must be in [0, 64), but is 64",
        () -> model.logits(TokenBatch.of(PromptIds.of(1), 3, 64)));
    refused(
        "prompt id 0 of sequence 0 must be in [0, 475), but is 475",
        () -> model.logProbabilities(TokenBatch.of(PromptIds.of(475), 3)));
    refused(
        "a loss must be one number",
        () -> model.accumulateGradients(TokenBatch.of(PromptIds.of(1), 3, 4), chosen -> chosen));
    model.close();
    model.close();
    assertThrows(
        IllegalStateException.class, () -> model.logits(TokenBatch.of(PromptIds.of(1), 3)));
  }

  private static LanguageModel of(GoldenModel golden, List<WeightTensor> weights) {
    return LanguageModel.of(
        golden.config(), golden.images(), weights, LanguageModelOptions.DEFAULT);
  }

  private static List<WeightTensor> without(List<WeightTensor> weights, String part) {
    return weights.stream().filter(weight -> !weight.name().contains(part)).toList();
  }

  private static WeightTensor weight(String name, float... values) {
    ByteBuffer data = ByteBuffer.allocateDirect(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(FloatBuffer.wrap(values));
    return new WeightTensor(name, WeightType.F32, data, values.length);
  }

  private static void refused(String message, Executable executable) {
    String found = assertThrows(InvalidRequestException.class, executable).getMessage();
    assertTrue(found.contains(message), found);
  }
}
