package dev.blip3o.torch.model;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.blip3o.PromptIds;
import dev.blip3o.torch.LibTorch;
import dev.blip3o.torch.model.Safetensors.Entry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch;

/** The language models of the golden checkpoints, and what the reference computed with them. */
record GoldenModel(
    Path directory,
    LanguageModelConfig config,
    ImageVocabulary images,
    List<WeightTensor> weights) {

  static GoldenModel read(String name) {
    Path golden = Path.of(System.getProperty("blip3o.root")).resolve("tests/golden/reference");
    Path directory = golden.resolve(name).resolve("model");
    Map<String, String> json = numbers(directory.resolve("config.json"));
    int first = Integer.parseInt(json.get("image_start_token_id"));
    return new GoldenModel(
        directory,
        config(json),
        new ImageVocabulary(first, Integer.parseInt(json.get("image_end_token_id")) - first + 1),
        weights(directory));
  }

  LanguageModel open(LanguageModelOptions options) {
    LibTorch.load();
    torch.set_num_threads(1); // Small products only: threads that wait for each other cost more.
    return LanguageModel.of(config, images, weights, options);
  }

  /** The tensors of a job's trace. */
  Map<String, Entry> trace(int job) {
    return Safetensors.read(directory.resolveSibling("job" + job).resolve("trace.safetensors"));
  }

  /** The prompt and the tokens of a job. */
  TokenBatch.Sequence sequence(int job) {
    Map<String, Entry> trace = trace(job);
    return new TokenBatch.Sequence(
        PromptIds.of(trace.get("input_ids").ints()), trace.get("tokens").ints());
  }

  private static LanguageModelConfig config(Map<String, String> json) {
    return new LanguageModelConfig(
        Integer.parseInt(json.get("hidden_size")),
        Integer.parseInt(json.get("num_hidden_layers")),
        Integer.parseInt(json.get("num_attention_heads")),
        Integer.parseInt(json.get("num_key_value_heads")),
        Integer.parseInt(json.get("head_dim")),
        Integer.parseInt(json.get("intermediate_size")),
        Integer.parseInt(json.get("vocab_size")),
        Double.parseDouble(json.get("rms_norm_eps")),
        Double.parseDouble(json.get("rope_theta")),
        Boolean.parseBoolean(json.get("tie_word_embeddings")));
  }

  private static List<WeightTensor> weights(Path directory) {
    List<WeightTensor> weights = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory)) {
      files
          .filter(file -> file.toString().endsWith(".safetensors"))
          .sorted()
          .forEach(
              file -> Safetensors.read(file).forEach((name, entry) -> add(weights, name, entry)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return List.copyOf(weights);
  }

  private static void add(List<WeightTensor> weights, String name, Entry entry) {
    if (name.matches("model\\.(embed_tokens|layers|norm)\\..*|lm_head\\..*")) {
      weights.add(
          new WeightTensor(name, WeightType.valueOf(entry.type()), entry.shape(), entry.data()));
    }
  }

  /** Every scalar field, also of nested objects, which share no names that matter here. */
  private static Map<String, String> numbers(Path file) {
    Map<String, String> fields = new HashMap<>();
    try (JsonParser parser = new JsonFactory().createParser(file.toFile())) {
      for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
        if (token.isScalarValue() && parser.currentName() != null) {
          fields.putIfAbsent(parser.currentName(), parser.getText());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return fields;
  }
}
