package dev.blip3o.torch.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.LanguageModelConfig;
import dev.blip3o.PromptIds;
import dev.blip3o.WeightTensor;
import dev.blip3o.WeightType;
import dev.blip3o.torch.LibTorch;
import dev.blip3o.torch.model.TokenBatch.Sequence;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

/** What the model takes of native memory, and gives back. */
class MemoryTest {
  private static final int LAYERS = 8;
  private static final int HIDDEN = 64;
  private static final int INNER = 1024;
  private static final int POSITIONS = 1024;
  private static final int CODES = 64;

  private static final ImageVocabulary IMAGES = new ImageVocabulary(16, CODES);
  private static final LanguageModelConfig CONFIG =
      new LanguageModelConfig(16 + CODES, HIDDEN, INNER, LAYERS, 2, 1, 32, 4096, true, 1e-6, 1e6);

  @Test
  void everyTensorIsClosed() {
    GoldenModel golden = GoldenModel.read("tied");
    TokenBatch batch = TokenBatch.of(PromptIds.of(1, 2, 3), 4, 5, 6);
    for (boolean checkpointing : new boolean[] {true, false}) {
      LanguageModelOptions options = LanguageModelOptions.DEFAULT.withCheckpointing(checkpointing);
      try (LanguageModel model = golden.open(options)) {
        step(model, batch);
        System.gc();
        Pointer.deallocateReferences();
        long before = Pointer.totalCount();
        for (int i = 0; i < 8; i++) {
          step(model, batch);
        }
        // What the collector frees meanwhile lowers the count; nothing may raise it.
        assertTrue(Pointer.totalCount() <= before, before + " became " + Pointer.totalCount());
      }
    }
  }

  private static void step(LanguageModel model, TokenBatch batch) {
    model.zeroGradients();
    model.accumulateGradients(batch, Tensor::mean);
    model.logProbabilities(batch).close();
    model.logits(batch).close();
    model.hiddenStates(batch).close();
  }

  /**
   * The resident memory when the whole model has run forward: with the graph it has at least three
   * maps of the feed-forward network for each layer.
   */
  @Test
  void checkpointingKeepsOnlyTheInputsOfLayers() {
    LibTorch.load();
    torch.set_num_threads(1);
    List<WeightTensor> weights = weights();
    TokenBatch batch = new TokenBatch(List.of(new Sequence(PromptIds.of(1, 2, 3), tokens())));
    long graph = 3L * 4 * LAYERS * POSITIONS * INNER;
    // The one that needs less goes first: freed memory may stay resident.
    long checkpointed = grownAtTheLoss(weights, batch, true);
    long whole = grownAtTheLoss(weights, batch, false);
    assertTrue(whole > 0.8 * graph, "the whole graph took " + whole + ", at least " + graph);
    assertTrue(checkpointed < 0.6 * graph, "checkpoints took " + checkpointed + " of " + graph);
  }

  private static long grownAtTheLoss(
      List<WeightTensor> weights, TokenBatch batch, boolean checkpointing) {
    LanguageModelOptions options = LanguageModelOptions.DEFAULT.withCheckpointing(checkpointing);
    try (LanguageModel model = LanguageModel.of(CONFIG, IMAGES, weights, options)) {
      model.accumulateGradients(
          TokenBatch.of(PromptIds.of(1), 1, 2), Tensor::sum); // Gradients have their memory.
      long before = Pointer.physicalBytes();
      long[] at = new long[1];
      model.accumulateGradients(
          batch,
          chosen -> {
            at[0] = Pointer.physicalBytes();
            return chosen.sum();
          });
      return at[0] - before;
    }
  }

  private static int[] tokens() {
    return IntStream.range(0, POSITIONS).map(i -> i % CODES).toArray();
  }

  private static List<WeightTensor> weights() {
    Random random = new Random(3);
    List<WeightTensor> weights = new ArrayList<>();
    weights.add(weight(random, Parameters.EMBEDDING, 16 + CODES, HIDDEN));
    for (int i = 0; i < LAYERS; i++) {
      String layer = Parameters.layer(i);
      weights.add(weight(random, layer + "input_layernorm.weight", HIDDEN));
      weights.add(weight(random, layer + "self_attn.q_proj.weight", 64, HIDDEN));
      weights.add(weight(random, layer + "self_attn.k_proj.weight", 32, HIDDEN));
      weights.add(weight(random, layer + "self_attn.v_proj.weight", 32, HIDDEN));
      weights.add(weight(random, layer + "self_attn.q_norm.weight", 32));
      weights.add(weight(random, layer + "self_attn.k_norm.weight", 32));
      weights.add(weight(random, layer + "self_attn.o_proj.weight", HIDDEN, 64));
      weights.add(weight(random, layer + "post_attention_layernorm.weight", HIDDEN));
      weights.add(weight(random, layer + "mlp.gate_proj.weight", INNER, HIDDEN));
      weights.add(weight(random, layer + "mlp.up_proj.weight", INNER, HIDDEN));
      weights.add(weight(random, layer + "mlp.down_proj.weight", HIDDEN, INNER));
    }
    weights.add(weight(random, Parameters.NORM, HIDDEN));
    return weights;
  }

  private static WeightTensor weight(Random random, String name, long... shape) {
    int size = 1;
    for (long axis : shape) {
      size *= (int) axis;
    }
    ByteBuffer data = ByteBuffer.allocateDirect(4 * size).order(ByteOrder.LITTLE_ENDIAN);
    FloatBuffer values = data.asFloatBuffer();
    for (int i = 0; i < size; i++) {
      values.put(i, 0.1f * (float) random.nextGaussian());
    }
    assertEquals(size, values.capacity());
    return new WeightTensor(name, WeightType.F32, data, shape);
  }
}
