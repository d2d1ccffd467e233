package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Weights of the language model, read and replaced, and how likely tokens were. */
@Timeout(120)
class LanguageModelUpdateTest {
  private static final ImageRequest REQUEST =
      ImageRequest.builder("a red circle").seed(7).steps(1).guidance(1).temperature(1).build();
  private static final String NORM = "model.norm.weight";

  private Blip3oModel model;

  private void open(String name) {
    model = Blip3oModel.open(Golden.model(name));
  }

  @AfterEach
  void close() {
    model.close();
  }

  /**
   * Copies of the checkpoint's tensors; of the last norm every third value with its sign changed.
   */
  private List<WeightTensor> changed() {
    List<WeightTensor> tensors = new ArrayList<>();
    model
        .languageModelWeights()
        .tensors()
        .forEach(tensor -> tensors.add(tensor.name().equals(NORM) ? negated(tensor) : tensor));
    return tensors;
  }

  private static WeightTensor negated(WeightTensor tensor) {
    int bytes = tensor.type().bytes();
    ByteBuffer copy = ByteBuffer.allocateDirect(tensor.data().remaining());
    copy.put(tensor.data()).flip();
    for (int at = bytes - 1; at < copy.limit(); at += 3 * bytes) { // The sign is in the last byte.
      copy.put(at, (byte) (copy.get(at) ^ 0x80));
    }
    return new WeightTensor(NORM, tensor.type(), copy, tensor.shape());
  }

  private void assertRefused(String part, List<WeightTensor> tensors) {
    InvalidRequestException refused =
        assertThrows(InvalidRequestException.class, () -> model.updateLanguageModel(tensors), part);
    assertTrue(refused.getMessage().contains(part), refused.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny", "table", "tied"})
  void weightsAreTheCheckpoints(String name) {
    open(name);
    LanguageModelWeights weights = model.languageModelWeights();
    LanguageModelConfig config = weights.config();
    assertEquals(
        2 + 11 * config.layers() + (config.tiedEmbeddings() ? 0 : 1), weights.names().size());
    assertEquals(name.equals("tied"), config.tiedEmbeddings());
    WeightTensor embeddings = weights.tensor("model.embed_tokens.weight");
    assertArrayEquals(
        new long[] {config.vocabularySize(), config.hiddenSize()}, embeddings.shape());
    WeightType type =
        switch (name) {
          case "tiny" -> WeightType.F32;
          case "table" -> WeightType.F16;
          default -> WeightType.BF16;
        };
    assertEquals(type, embeddings.type());
    assertEquals(ByteOrder.LITTLE_ENDIAN, embeddings.data().order());
    assertTrue(embeddings.data().isDirect() && embeddings.data().isReadOnly());
  }

  @Test
  void anUpdateDrawsOtherwiseAndOneOfTheCheckpointsWeightsAsBefore() {
    open("tiny");
    GeneratedImage before = model.generate(REQUEST);
    assertEquals(0, before.languageModelVersion());
    List<WeightTensor> original = model.languageModelWeights().tensors().toList();

    assertEquals(1, model.updateLanguageModel(changed()));
    GeneratedImage changed = model.generate(REQUEST);
    assertEquals(1, changed.languageModelVersion());
    assertFalse(Arrays.equals(before.tokens(), changed.tokens()));

    List<WeightTensor> shuffled = new ArrayList<>(original);
    Collections.reverse(shuffled);
    assertEquals(2, model.updateLanguageModel(shuffled));
    GeneratedImage again = model.generate(REQUEST);
    assertArrayEquals(before.tokens(), again.tokens());
    assertEquals(before.rgb(), again.rgb());
    assertEquals(2, again.languageModelVersion());
    // What the files hold does not change.
    assertEquals(
        original.get(0).data(), model.languageModelWeights().tensor(original.get(0).name()).data());
  }

  @Test
  void aFailedUpdateNamesTheTensorAndChangesNothing() {
    open("tiny");
    GeneratedImage before = model.generate(REQUEST);
    List<WeightTensor> tensors = changed();
    assertRefused("is missing", tensors.subList(1, tensors.size()));
    List<WeightTensor> twice = new ArrayList<>(tensors);
    twice.add(tensors.get(0));
    assertRefused("twice", twice);

    WeightTensor norm = model.languageModelWeights().tensor(NORM);
    ByteBuffer nan =
        ByteBuffer.allocateDirect(norm.data().remaining()).order(ByteOrder.LITTLE_ENDIAN);
    nan.putFloat(8, Float.NaN);
    List<WeightTensor> spoilt = new ArrayList<>(tensors);
    spoilt.removeIf(tensor -> tensor.name().equals(NORM));
    spoilt.add(new WeightTensor(NORM, norm.type(), nan, norm.shape()));
    assertRefused(NORM + " holds nan at [2]", spoilt);
    spoilt.set(
        spoilt.size() - 1, new WeightTensor(NORM, norm.type(), ByteBuffer.allocateDirect(4), 1));
    assertRefused(NORM, spoilt);

    GeneratedImage after = model.generate(REQUEST);
    assertEquals(before.rgb(), after.rgb());
    assertEquals(0, after.languageModelVersion());
  }

  @Test
  void aTensorIsOfItsBuffersSizeAndDirect() {
    open("tiny");
    assertThrows(
        InvalidRequestException.class,
        () -> new WeightTensor("a", WeightType.F32, ByteBuffer.allocateDirect(12), 2, 2));
    assertThrows(
        InvalidRequestException.class,
        () -> new WeightTensor("a", WeightType.F32, ByteBuffer.allocate(16), 2, 2));
    assertThrows(InvalidRequestException.class, () -> model.languageModelWeights().tensor("a"));
  }

  @Test
  void weightsCantBeReadFromAClosedModel() {
    open("tiny");
    LanguageModelWeights weights = model.languageModelWeights();
    WeightTensor copy = weights.tensor(NORM);
    model.close();
    assertThrows(IllegalStateException.class, () -> weights.tensor(NORM));
    assertThrows(IllegalStateException.class, () -> model.updateLanguageModel(List.of(copy)));
    assertTrue(copy.data().remaining() > 0); // It is a copy, and stays.
    copy.data().get(0);
  }

  @Test
  void picturesTellHowLikelyTheirTokensWere() {
    open("tiny");
    ImageRequest plain = REQUEST.toBuilder().topK(0).topP(1).build();
    GeneratedImage image = model.generate(plain.toBuilder().logProbabilities(true).build());
    LogProbabilities scores = image.logProbabilities().orElseThrow();
    assertArrayEquals(new int[] {image.tokens().length, 2}, scores.shape());
    assertEquals(image.tokens().length, scores.tokens());
    for (int i = 0; i < scores.tokens(); i++) {
      assertTrue(scores.full(i) <= 0);
      assertEquals(scores.full(i), scores.drawn(i), "one distribution");
    }
    GeneratedImage without = model.generate(plain);
    assertTrue(without.logProbabilities().isEmpty());
    assertArrayEquals(without.tokens(), image.tokens());

    ImageRequest greedy = plain.toBuilder().temperature(0).logProbabilities(true).build();
    LogProbabilities certain = model.generate(greedy).logProbabilities().orElseThrow();
    assertEquals(0, certain.drawn(0));
    assertTrue(certain.full(0) < 0);
  }

  @Test
  void tokensThatAreKeptAreNotLikelyOrUnlikely() {
    open("tiny");
    int[] tokens = model.generate(REQUEST).tokens();
    ImageRequest.Builder kept = REQUEST.toBuilder().tokens(tokens).logProbabilities(true);
    assertThrows(InvalidRequestException.class, kept::build);
  }
}
