package dev.blip3o.torch.model;

import dev.blip3o.InvalidRequestException;
import dev.blip3o.LanguageModelConfig;
import dev.blip3o.WeightTensor;
import dev.blip3o.WeightType;
import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The weights of a model as leaves of LibTorch's graphs, by name, in the checkpoint's order. */
final class Parameters implements AutoCloseable {
  static final String EMBEDDING = "model.embed_tokens.weight";
  static final String NORM = "model.norm.weight";
  static final String HEAD = "lm_head.weight";

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  /** Copies weights, which must be all that a model of {@code config} has, and no others. */
  Parameters(LanguageModelConfig config, Iterable<WeightTensor> weights, Precision precision) {
    Map<String, long[]> shapes = shapes(config);
    try {
      for (WeightTensor weight : weights) {
        check(weight, shapes.remove(weight.name()));
        tensors.put(weight.name(), copy(weight, precision));
      }
      if (!shapes.isEmpty()) {
        throw new InvalidRequestException(
            "the weights of a language model of "
                + config.layers()
                + " layers lack "
                + shapes.keySet().iterator().next());
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private static Map<String, long[]> shapes(LanguageModelConfig config) {
    long hidden = config.hiddenSize();
    long queries = (long) config.heads() * config.headDim();
    long keys = (long) config.kvHeads() * config.headDim();
    long inner = config.intermediateSize();
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put(EMBEDDING, new long[] {config.vocabularySize(), hidden});
    for (int i = 0; i < config.layers(); i++) {
      String layer = layer(i);
      shapes.put(layer + "input_layernorm.weight", new long[] {hidden});
      shapes.put(layer + "self_attn.q_proj.weight", new long[] {queries, hidden});
      shapes.put(layer + "self_attn.k_proj.weight", new long[] {keys, hidden});
      shapes.put(layer + "self_attn.v_proj.weight", new long[] {keys, hidden});
      shapes.put(layer + "self_attn.q_norm.weight", new long[] {config.headDim()});
      shapes.put(layer + "self_attn.k_norm.weight", new long[] {config.headDim()});
      shapes.put(layer + "self_attn.o_proj.weight", new long[] {hidden, queries});
      shapes.put(layer + "post_attention_layernorm.weight", new long[] {hidden});
      shapes.put(layer + "mlp.gate_proj.weight", new long[] {inner, hidden});
      shapes.put(layer + "mlp.up_proj.weight", new long[] {inner, hidden});
      shapes.put(layer + "mlp.down_proj.weight", new long[] {hidden, inner});
    }
    shapes.put(NORM, new long[] {hidden});
    if (!config.tiedEmbeddings()) {
      shapes.put(HEAD, new long[] {config.vocabularySize(), hidden});
    }
    return shapes;
  }

  static String layer(int i) {
    return "model.layers." + i + ".";
  }

  private static void check(WeightTensor weight, long[] shape) {
    if (shape == null) {
      throw new InvalidRequestException(
          weight.name() + " is no weight of this language model, or stands there twice");
    }
    if (!Arrays.equals(shape, weight.shape())) {
      throw new InvalidRequestException(
          String.format(
              "%s must have the shape %s, but has %s",
              weight.name(), Arrays.toString(shape), Arrays.toString(weight.shape())));
    }
    long bytes = Arrays.stream(shape).reduce(size(weight.type()), Math::multiplyExact);
    if (weight.data().remaining() != bytes) {
      throw new InvalidRequestException(
          String.format(
              "%s needs %d bytes, but has %d", weight.name(), bytes, weight.data().remaining()));
    }
    if (!weight.data().isDirect()) {
      throw new InvalidRequestException(weight.name() + " must lie in a direct buffer");
    }
  }

  private static long size(WeightType type) {
    return type == WeightType.F32 ? 4 : 2;
  }

  private static ScalarType scalarType(WeightType type) {
    return switch (type) {
      case F32 -> ScalarType.Float;
      case BF16 -> ScalarType.BFloat16;
      case F16 -> ScalarType.Half;
    };
  }

  private static Tensor copy(WeightTensor weight, Precision precision) {
    Tensor copy =
        Scopes.withoutGraph(
            () ->
                torch
                    .from_blob(
                        new BytePointer(weight.data().slice()),
                        weight.shape(),
                        new TensorOptions(scalarType(weight.type())))
                    .to(precision.type(), false, true, new MemoryFormatOptional()));
    Reference.reachabilityFence(weight);
    copy.retainReference(); // A model outlives the scope that it is made in.
    copy.set_requires_grad(true);
    return copy;
  }

  Tensor get(String name) {
    return tensors.get(name);
  }

  /** All of them; the map can't be changed. */
  Map<String, Tensor> all() {
    return Collections.unmodifiableMap(tensors);
  }

  @Override
  public void close() {
    tensors.values().forEach(Parameters::free);
    tensors.clear();
  }

  private static void free(Tensor tensor) {
    tensor.deallocate();
  }
}
